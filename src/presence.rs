use alloc::format;
use core::fmt;
use core::str::FromStr;

use crate::{ActivityError, AvailabilityError, PresenceError};

/// What others see: one of the 11 pairs of availability and activity that Graph's rules can reach.
///
/// The variants are declared in the order in which sessions compete, least first (rules P2 and
/// P5), so the winner among sessions is the maximum. Pairs that no session shows (`OffWork`,
/// `BeRightBack`, `Busy` and `DoNotDisturb`) stand where their availability ranks.
///
/// | presence | availability | activity | a session may claim it | a user may prefer it |
/// |---|---|---|---|---|
/// | `Offline` | `Offline` | `Offline` | no: it is the absence of sessions | no |
/// | `OffWork` | `Offline` | `OffWork` | no | yes |
/// | `Away` | `Away` | `Away` | yes, and by fading | yes |
/// | `BeRightBack` | `BeRightBack` | `BeRightBack` | no | yes |
/// | `AvailableInactive` | `Available` | `AvailableInactive` | by fading only | no |
/// | `Available` | `Available` | `Available` | yes | yes |
/// | `Busy` | `Busy` | `Busy` | no | yes |
/// | `InACall` | `Busy` | `InACall` | yes | no |
/// | `InAConferenceCall` | `Busy` | `InAConferenceCall` | yes | no |
/// | `DoNotDisturb` | `DoNotDisturb` | `DoNotDisturb` | no | yes |
/// | `Presenting` | `DoNotDisturb` | `Presenting` | yes | no |
///
/// It is shown as `availability/activity`. With the feature `serde` it is read and written as
/// `{"availability":"Busy","activity":"InACall"}`.
///
/// ```
/// use presence_core::{Activity, Availability, Presence};
///
/// let presence = Presence::try_from((Availability::Busy, Activity::InACall))?;
/// assert_eq!(presence, Presence::InACall);
/// assert_eq!(presence.to_string(), "Busy/InACall");
/// assert!(Presence::Presenting > presence);
/// # Ok::<(), presence_core::PresenceError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// No session exists (rule S12).
    #[default]
    Offline,
    /// The user prefers to appear offline, and a session exists (rule U8).
    OffWork,
    /// Away, by claim, by preference or by fading.
    Away,
    /// The user will be right back.
    BeRightBack,
    /// Available, but not heard of for 5 minutes (rule S7).
    AvailableInactive,
    /// Available.
    Available,
    /// Busy, as the user prefers it.
    Busy,
    /// In a call of two.
    InACall,
    /// In a call of many.
    InAConferenceCall,
    /// Not to be disturbed, as the user prefers it.
    DoNotDisturb,
    /// Showing something to others, so not to be disturbed.
    Presenting,
}

impl Presence {
    /// All presences, in the order of precedence, least first.
    pub const ALL: [Self; 11] = [
        Self::Offline,
        Self::OffWork,
        Self::Away,
        Self::BeRightBack,
        Self::AvailableInactive,
        Self::Available,
        Self::Busy,
        Self::InACall,
        Self::InAConferenceCall,
        Self::DoNotDisturb,
        Self::Presenting,
    ];

    /// Returns the base information of the pair.
    ///
    /// ```
    /// use presence_core::{Availability, Presence};
    ///
    /// assert_eq!(Presence::Presenting.availability(), Availability::DoNotDisturb);
    /// ```
    #[must_use]
    pub const fn availability(self) -> Availability {
        match self {
            Self::Offline | Self::OffWork => Availability::Offline,
            Self::Away => Availability::Away,
            Self::BeRightBack => Availability::BeRightBack,
            Self::AvailableInactive | Self::Available => Availability::Available,
            Self::Busy | Self::InACall | Self::InAConferenceCall => Availability::Busy,
            Self::DoNotDisturb | Self::Presenting => Availability::DoNotDisturb,
        }
    }

    /// Returns the supplement of the pair, which no two presences share.
    ///
    /// ```
    /// use presence_core::{Activity, Presence};
    ///
    /// assert_eq!(Presence::OffWork.activity(), Activity::OffWork);
    /// ```
    #[must_use]
    pub const fn activity(self) -> Activity {
        match self {
            Self::Offline => Activity::Offline,
            Self::OffWork => Activity::OffWork,
            Self::Away => Activity::Away,
            Self::BeRightBack => Activity::BeRightBack,
            Self::AvailableInactive => Activity::AvailableInactive,
            Self::Available => Activity::Available,
            Self::Busy => Activity::Busy,
            Self::InACall => Activity::InACall,
            Self::InAConferenceCall => Activity::InAConferenceCall,
            Self::DoNotDisturb => Activity::DoNotDisturb,
            Self::Presenting => Activity::Presenting,
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.availability(), self.activity()))
    }
}

impl TryFrom<(Availability, Activity)> for Presence {
    type Error = PresenceError;

    /// Finds the presence that is the given pair.
    ///
    /// # Errors
    ///
    /// [`PresenceError`] where the pair is none of the 11, as most pairs of Graph's words are.
    fn try_from((availability, activity): (Availability, Activity)) -> Result<Self, Self::Error> {
        Self::ALL
            .into_iter()
            .find(|presence| (presence.availability(), presence.activity()) == (availability, activity))
            .ok_or(PresenceError { availability, activity })
    }
}

/// An enumeration of Graph's words, each spelled as its variant is.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:ident: $($(#[$word_doc:meta])* $word:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// All words, in Graph's order.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// Returns the word as Graph spells it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => stringify!($word),)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $error;

            /// Reads a word; its spelling must be exact.
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $(stringify!($word) => Ok(Self::$word),)+
                    _ => Err($error),
                }
            }
        }
    };
}

words! {
    /// The base information of a presence: every word that Graph's documents know.
    ///
    /// Not each of them can be reached here, but a client reads what Graph computed elsewhere.
    ///
    /// ```
    /// use presence_core::Availability;
    ///
    /// assert_eq!("BusyIdle".parse(), Ok(Availability::BusyIdle));
    /// assert!("busyidle".parse::<Availability>().is_err());
    /// ```
    Availability, AvailabilityError:
    /// Can be spoken to.
    Available,
    /// Available, but idle; Graph reports it, this machine never does.
    AvailableIdle,
    /// Not there.
    Away,
    /// Not there for a moment.
    BeRightBack,
    /// Occupied.
    Busy,
    /// Busy, but idle; Graph reports it, this machine never does.
    BusyIdle,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Not connected, or wishing to look so.
    Offline,
    /// Graph does not know; this machine always does.
    PresenceUnknown,
}

words! {
    /// The supplement of a presence: every word that Graph's documents know.
    ///
    /// Not each of them can be reached here, but a client reads what Graph computed elsewhere.
    ///
    /// ```
    /// use presence_core::Activity;
    ///
    /// assert_eq!("InAMeeting".parse(), Ok(Activity::InAMeeting));
    /// assert_eq!(Activity::OffWork.to_string(), "OffWork");
    /// ```
    Activity, ActivityError:
    /// Can be spoken to.
    Available,
    /// Available, but not heard of for 5 minutes.
    AvailableInactive,
    /// Not there.
    Away,
    /// Not there for a moment.
    BeRightBack,
    /// Occupied.
    Busy,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Working with no wish to be disturbed; Graph reports it, this machine never does.
    Focusing,
    /// In a call of two.
    InACall,
    /// In a call of many.
    InAConferenceCall,
    /// Inactive; Graph reports it, this machine never does.
    Inactive,
    /// In a meeting by the calendar; Graph reports it, this machine never does.
    InAMeeting,
    /// Not connected.
    Offline,
    /// Wishing to look as if not connected.
    OffWork,
    /// Out of office by the calendar; Graph reports it, this machine never does.
    OutOfOffice,
    /// Graph does not know; this machine always does.
    PresenceUnknown,
    /// Showing something to others.
    Presenting,
    /// Reached by urgent messages only; Graph reports it, this machine never does.
    UrgentInterruptionsOnly,
}
