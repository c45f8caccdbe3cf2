use core::fmt;
use core::str::FromStr;

use crate::error::PresenceError;
use crate::vocabulary::{Activity, Availability};

/// A pair of availability and activity: one of the 11 that Graph's rules can reach.
///
/// | presence | availability | activity | a session may claim it | a user may prefer it |
/// |---|---|---|---|---|
/// | `Offline` | Offline | Offline | no, it means that no session exists | no |
/// | `OffWork` | Offline | OffWork | no | yes |
/// | `Away` | Away | Away | yes, and by fading | yes |
/// | `BeRightBack` | BeRightBack | BeRightBack | no | yes |
/// | `AvailableInactive` | Available | AvailableInactive | only by fading | no |
/// | `Available` | Available | Available | yes | yes |
/// | `Busy` | Busy | Busy | no | yes |
/// | `InACall` | Busy | InACall | yes | no |
/// | `InAConferenceCall` | Busy | InAConferenceCall | yes | no |
/// | `DoNotDisturb` | DoNotDisturb | DoNotDisturb | no | yes |
/// | `Presenting` | DoNotDisturb | Presenting | yes | no |
///
/// The order of the variants is the order of precedence, lowest first (rules P2 and P5). The
/// strongest session is therefore the maximum.
///
/// The text form is `availability/activity`. With the feature `serde`, it is written as
/// `{"availability":"Busy","activity":"InACall"}`.
///
/// ```
/// use presence_core::{Activity, Availability, Presence, PresenceError};
///
/// let presence: Presence = "Busy/InACall".parse()?;
/// assert_eq!(presence, Presence::InACall);
/// assert_eq!(presence.availability(), Availability::Busy);
/// assert_eq!(presence, Presence::try_from((Availability::Busy, Activity::InACall))?);
/// assert!(presence < Presence::Presenting);
/// # Ok::<(), PresenceError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Presence {
    /// No session exists (rule S12).
    #[default]
    Offline,
    /// The user appears offline by choice (rule U8).
    OffWork,
    /// Away, by claim, by preference or by fading.
    Away,
    /// Away for a moment.
    BeRightBack,
    /// Available, but not refreshed for 5 minutes (rule S7).
    AvailableInactive,
    /// Available.
    Available,
    /// Busy, by preference.
    Busy,
    /// In a call.
    InACall,
    /// In a conference call.
    InAConferenceCall,
    /// Not to be disturbed, by preference.
    DoNotDisturb,
    /// Presenting, so not to be disturbed.
    Presenting,
}

impl Presence {
    /// All presences, in the order of precedence, lowest first.
    pub const ALL: &'static [Self] = &[
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

    /// Returns the base information.
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

    /// Returns the supplement. No two presences have the same one.
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

    /// Returns the pair as text, such as `Busy/InACall`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "Offline/Offline",
            Self::OffWork => "Offline/OffWork",
            Self::Away => "Away/Away",
            Self::BeRightBack => "BeRightBack/BeRightBack",
            Self::AvailableInactive => "Available/AvailableInactive",
            Self::Available => "Available/Available",
            Self::Busy => "Busy/Busy",
            Self::InACall => "Busy/InACall",
            Self::InAConferenceCall => "Busy/InAConferenceCall",
            Self::DoNotDisturb => "DoNotDisturb/DoNotDisturb",
            Self::Presenting => "DoNotDisturb/Presenting",
        }
    }
}

impl TryFrom<(Availability, Activity)> for Presence {
    type Error = PresenceError;

    /// Converts a pair of words.
    ///
    /// # Errors
    ///
    /// [`PresenceError::NotReachable`] unless the pair is one of the 11.
    fn try_from((availability, activity): (Availability, Activity)) -> Result<Self, Self::Error> {
        let is_pair =
            |presence: &Self| presence.availability() == availability && presence.activity() == activity;
        let found = Self::ALL.iter().copied().find(is_pair);
        found.ok_or(PresenceError::NotReachable { availability, activity })
    }
}

/// Declares a column of the table: the presences that a session may claim or a user may prefer.
macro_rules! column {
    (
        $(#[$doc:meta])* $column:ident, $error:ident:
        $($(#[$presence_doc:meta])* $presence:ident),+ $(,)?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $column {
            $($(#[$presence_doc])* $presence = Presence::$presence as isize,)+
        }

        impl $column {
            /// All values, in the order of Graph's documents.
            pub const ALL: &'static [Self] = &[$(Self::$presence),+];

            /// Returns the presence that this is.
            #[must_use]
            pub const fn presence(self) -> Presence {
                match self {
                    $(Self::$presence => Presence::$presence,)+
                }
            }

            /// Returns the pair as text, such as `Away/Away`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                self.presence().as_str()
            }
        }

        impl From<$column> for Presence {
            fn from(presence: $column) -> Self {
                presence.presence()
            }
        }

        impl TryFrom<Presence> for $column {
            type Error = PresenceError;

            /// Converts a presence.
            ///
            /// # Errors
            ///
            #[doc = concat!("[`PresenceError::", stringify!($error), "`] if it is not in the table.")]
            fn try_from(presence: Presence) -> Result<Self, Self::Error> {
                Self::try_from((presence.availability(), presence.activity()))
            }
        }

        impl TryFrom<(Availability, Activity)> for $column {
            type Error = PresenceError;

            /// Converts a pair of words.
            ///
            /// # Errors
            ///
            #[doc = concat!("[`PresenceError::", stringify!($error), "`] if it is not in the table.")]
            fn try_from((availability, activity): (Availability, Activity)) -> Result<Self, Self::Error> {
                match Presence::try_from((availability, activity)) {
                    $(Ok(Presence::$presence) => Ok(Self::$presence),)+
                    Ok(_) | Err(_) => Err(PresenceError::$error { availability, activity }),
                }
            }
        }
    };
}

column! {
    /// A presence that a session may claim (rule S4).
    ///
    /// It is read and written like [`Presence`].
    ///
    /// ```
    /// use presence_core::{Presence, SessionPresence};
    ///
    /// assert_eq!("Busy/InACall".parse(), Ok(SessionPresence::InACall));
    /// assert!(SessionPresence::try_from(Presence::Busy).is_err());
    /// ```
    SessionPresence, NotClaimable:
    /// Available/Available, the only claim that fades (rule S7).
    Available,
    /// Busy/InACall.
    InACall,
    /// Busy/InAConferenceCall.
    InAConferenceCall,
    /// DoNotDisturb/Presenting.
    Presenting,
    /// Away/Away.
    Away,
}

column! {
    /// A presence that a user may prefer (rule U1).
    ///
    /// It is read and written like [`Presence`].
    ///
    /// ```
    /// use presence_core::{PreferredPresence, Presence};
    ///
    /// assert_eq!("Offline/OffWork".parse(), Ok(PreferredPresence::OffWork));
    /// assert!(PreferredPresence::try_from(Presence::InACall).is_err());
    /// ```
    PreferredPresence, NotPreferable:
    /// Available/Available. It does not fade (rule U7).
    Available,
    /// Busy/Busy.
    Busy,
    /// DoNotDisturb/DoNotDisturb.
    DoNotDisturb,
    /// BeRightBack/BeRightBack.
    BeRightBack,
    /// Away/Away.
    Away,
    /// Offline/OffWork: appear offline (rule U8).
    OffWork,
}

/// Implements the text form of pairs.
macro_rules! text {
    ($($pair:ident),+) => {$(
        impl fmt::Display for $pair {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $pair {
            type Err = PresenceError;

            /// Parses a pair such as `Away/Away`. The spelling must be exact.
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let (availability, activity) = text.split_once('/').ok_or(PresenceError::Malformed)?;
                let availability = availability.parse().map_err(|_| PresenceError::Malformed)?;
                let activity = activity.parse().map_err(|_| PresenceError::Malformed)?;
                Self::try_from((availability, activity))
            }
        }
    )+};
}

text!(Presence, SessionPresence, PreferredPresence);
