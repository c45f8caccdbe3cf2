use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::text::name;
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
/// The order of the variants is the order of precedence, lowest first (rules [P2](crate::docs::rules#P2)
/// and [P5](crate::docs::rules#P5)). The strongest session is therefore the maximum.
///
/// The text form is `availability/activity`, read without regard to case (rule
/// [W1](crate::docs::rules#W1)). With the feature
/// `serde`, it is written as
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
    /// No session exists (rule [S12](crate::docs::rules#S12)).
    #[default]
    Offline,
    /// The user appears offline by choice (rule [U8](crate::docs::rules#U8)).
    OffWork,
    /// Away, by claim, by preference or by fading.
    Away,
    /// Away for a moment.
    BeRightBack,
    /// Available, but not refreshed for 5 minutes (rule [S7](crate::docs::rules#S7)).
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
    /// [`PresenceError::NotAccepted`] unless the pair is one of the 11.
    fn try_from((availability, activity): (Availability, Activity)) -> Result<Self, Self::Error> {
        let found = Self::ALL.iter().copied().find(|presence| presence.activity() == activity);
        found
            .filter(|presence| presence.availability() == availability)
            .ok_or(PresenceError::NotAccepted { availability, activity, accepted: Self::ALL })
    }
}

/// Declares a column of the table: the presences that a session may claim or a user may prefer.
macro_rules! column {
    (
        $(#[$doc:meta])* $column:ident:
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

            const ACCEPTED: &'static [Presence] = &[$(Presence::$presence),+];

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
            /// [`PresenceError::NotAccepted`] if it is not in the table.
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
            /// [`PresenceError::NotAccepted`] if it is not in the table.
            fn try_from((availability, activity): (Availability, Activity)) -> Result<Self, Self::Error> {
                match Presence::try_from((availability, activity)) {
                    $(Ok(Presence::$presence) => Ok(Self::$presence),)+
                    Ok(_) | Err(_) => {
                        Err(PresenceError::NotAccepted { availability, activity, accepted: Self::ACCEPTED })
                    }
                }
            }
        }
    };
}

column! {
    /// A presence that a session may claim (rule [S4](crate::docs::rules#S4)).
    ///
    /// It is read and written like [`Presence`].
    ///
    /// ```
    /// use presence_core::{Presence, SessionPresence};
    ///
    /// assert_eq!("Busy/InACall".parse(), Ok(SessionPresence::InACall));
    /// assert!(SessionPresence::try_from(Presence::Busy).is_err());
    /// ```
    SessionPresence:
    /// Available/Available, the only claim that fades (rule [S7](crate::docs::rules#S7)).
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
    /// A presence that a user may prefer (rule [U1](crate::docs::rules#U1)).
    ///
    /// It is read and written like [`Presence`].
    ///
    /// ```
    /// use presence_core::{PreferredPresence, Presence};
    ///
    /// assert_eq!("Offline/OffWork".parse(), Ok(PreferredPresence::OffWork));
    /// assert!(PreferredPresence::try_from(Presence::InACall).is_err());
    /// ```
    PreferredPresence:
    /// Available/Available. It does not fade (rule [U7](crate::docs::rules#U7)).
    Available,
    /// Busy/Busy.
    Busy,
    /// DoNotDisturb/DoNotDisturb.
    DoNotDisturb,
    /// BeRightBack/BeRightBack.
    BeRightBack,
    /// Away/Away.
    Away,
    /// Offline/OffWork: appear offline (rule [U8](crate::docs::rules#U8)).
    OffWork,
}

/// Implements the text form of words.
macro_rules! words {
    ($($word:ident: $error:ident),+ $(,)?) => {$(
        impl FromStr for $word {
            type Err = PresenceError;

            /// Parses a word without regard to the case of ASCII letters (rule W1).
            fn from_str(word: &str) -> Result<Self, Self::Err> {
                let position = name::position(word, Self::NAMES);
                position.and_then(|position| Self::ALL.get(position).copied()).ok_or(PresenceError::$error)
            }
        }
    )+};
}

words! {
    Availability: UnknownAvailability,
    Activity: UnknownActivity,
}

/// Implements the text form of pairs.
macro_rules! pairs {
    ($($pair:ident),+) => {$(
        impl fmt::Display for $pair {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $pair {
            type Err = PresenceError;

            /// Parses a pair such as `Away/Away` without regard to the case of ASCII letters (rule W1).
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let (availability, activity) = text.split_once('/').unwrap_or((text, ""));
                Self::try_from((availability.parse()?, activity.parse()?))
            }
        }
    )+};
}

pairs!(Presence, SessionPresence, PreferredPresence);

/// A word that is not known, or a pair of words that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum PresenceError {
    /// The first word is not an [`Availability`].
    #[error("unknown availability, expected a word such as Available, Busy or Away")]
    UnknownAvailability,
    /// The second word is not an [`Activity`].
    #[error("unknown activity, expected a word such as Available, InACall or Away")]
    UnknownActivity,
    /// The pair cannot be reached, or no session may claim it (rule [S4](crate::docs::rules#S4)), or no
    /// user may prefer it (rule [U1](crate::docs::rules#U1)).
    #[error("invalid presence {availability}/{activity}, expected {}", List(.accepted))]
    NotAccepted {
        /// The first word of the pair.
        availability: Availability,
        /// The second word of the pair.
        activity: Activity,
        /// The pairs that are accepted.
        accepted: &'static [Presence],
    },
}

/// Presences as an enumeration in a sentence.
struct List<'a>(&'a [Presence]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(presences) = self;
        for (index, presence) in presences.iter().enumerate() {
            f.write_str(match presences.len() - index {
                _ if index == 0 => "",
                1 => " or ",
                _ => ", ",
            })?;
            f.write_str(presence.as_str())?;
        }
        Ok(())
    }
}
