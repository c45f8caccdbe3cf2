use alloc::boxed::Box;
use core::mem;

use crate::preferred::StoredPreferred;
use crate::sessions::Sessions;

/// What is stored of one user: sessions, and a preference beside them.
///
/// Most users prefer nothing most of the time, so a preference takes the sessions with it into a box.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Stored<S> {
    Sessions(Sessions<S>),
    Preferring(Box<(Sessions<S>, StoredPreferred)>),
}

impl<S> Stored<S> {
    #[inline]
    pub(crate) fn sessions(&self) -> &Sessions<S> {
        match self {
            Self::Sessions(sessions) => sessions,
            Self::Preferring(both) => &both.0,
        }
    }

    #[inline]
    pub(crate) fn sessions_mut(&mut self) -> &mut Sessions<S> {
        match self {
            Self::Sessions(sessions) => sessions,
            Self::Preferring(both) => &mut both.0,
        }
    }

    #[inline]
    pub(crate) fn preferred(&self) -> Option<&StoredPreferred> {
        match self {
            Self::Sessions(_) => None,
            Self::Preferring(both) => Some(&both.1),
        }
    }

    pub(crate) fn set_preferred(&mut self, preferred: Option<StoredPreferred>) {
        let sessions = mem::replace(self.sessions_mut(), Sessions::new());
        *self = match preferred {
            None => Self::Sessions(sessions),
            Some(preferred) => Self::Preferring(Box::new((sessions, preferred))),
        };
    }
}
