use core::fmt;

/// Declares an enum of words that Graph spells as the variants are spelled.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident: $($(#[$word_doc:meta])* $word:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl $name {
            /// All words, in Graph's order.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($word)),+];

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
    };
}

words! {
    /// The first word of a presence, such as `Busy`: Graph calls it the base information.
    ///
    /// The order is Graph's, by the alphabet, and not one of precedence.
    ///
    /// It has every word that Graph documents, because a client also reads presences that Graph
    /// computed. [`Presence`](crate::Presence) lists the ones that this crate computes.
    ///
    /// ```
    /// use presence_core::Availability;
    ///
    /// assert_eq!("BusyIdle".parse(), Ok(Availability::BusyIdle));
    /// assert_eq!("busyidle".parse(), Ok(Availability::BusyIdle)); // as Graph reads it (rule W1)
    /// assert_eq!(Availability::BusyIdle.as_str(), "BusyIdle");
    /// ```
    Availability:
    /// Available to talk.
    Available,
    /// Available, but idle. Only Graph reports it.
    AvailableIdle,
    /// Away.
    Away,
    /// Away for a moment.
    BeRightBack,
    /// Busy.
    Busy,
    /// Busy, but idle. Only Graph reports it.
    BusyIdle,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Not connected, or appearing so.
    Offline,
    /// Not known. Only Graph reports it.
    PresenceUnknown,
}

words! {
    /// The second word of a presence, such as `InACall`: Graph calls it the supplement.
    ///
    /// The order is Graph's, by the alphabet, and not one of precedence.
    ///
    /// It has every word that Graph documents, because a client also reads presences that Graph
    /// computed. [`Presence`](crate::Presence) lists the ones that this crate computes.
    Activity:
    /// Available to talk.
    Available,
    /// Available, but not refreshed for 5 minutes.
    AvailableInactive,
    /// Away.
    Away,
    /// Away for a moment.
    BeRightBack,
    /// Busy.
    Busy,
    /// Not to be disturbed.
    DoNotDisturb,
    /// Working without interruptions. Only Graph reports it.
    Focusing,
    /// In a call.
    InACall,
    /// In a conference call.
    InAConferenceCall,
    /// Inactive. Only Graph reports it.
    Inactive,
    /// In a meeting, by the calendar. Only Graph reports it.
    InAMeeting,
    /// Not connected.
    Offline,
    /// Appearing offline by choice.
    OffWork,
    /// Out of office, by the calendar. Only Graph reports it.
    OutOfOffice,
    /// Not known. Only Graph reports it.
    PresenceUnknown,
    /// Presenting.
    Presenting,
    /// Open to urgent messages only. Only Graph reports it.
    UrgentInterruptionsOnly,
}
