use alloc::vec::Vec;
use core::{mem, slice};

use crate::session::StoredSession;

/// The sessions of one user, in the order of their ids, so that equal sets are equal values.
///
/// Most users have one or two sessions; those are kept in place, and only more are kept on the
/// heap. Each number of sessions has exactly one form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Sessions<S> {
    One(StoredSession<S>),
    Two([StoredSession<S>; 2]),
    Many(Vec<StoredSession<S>>),
}

impl<S: Ord> Sessions<S> {
    /// Adds a session, or replaces the one of the same id whole (rule S3).
    #[inline]
    pub(crate) fn insert(&mut self, session: StoredSession<S>) {
        if let Some(stored) = self.as_mut_slice().iter_mut().find(|stored| stored.id == session.id) {
            *stored = session;
        } else {
            self.add(session);
        }
    }

    #[cold]
    fn add(&mut self, session: StoredSession<S>) {
        *self = match mem::replace(self, Self::Many(Vec::new())) {
            Self::One(other) if other.id < session.id => Self::Two([other, session]),
            Self::One(other) => Self::Two([session, other]),
            Self::Two(others) => Self::Many(sorted(others.into(), session)),
            Self::Many(others) if others.is_empty() => Self::One(session),
            Self::Many(others) => Self::Many(sorted(others, session)),
        };
    }
}

fn sorted<S: Ord>(
    mut others: Vec<StoredSession<S>>,
    session: StoredSession<S>,
) -> Vec<StoredSession<S>> {
    let at = others.partition_point(|other| other.id < session.id);
    others.insert(at, session);
    others
}

impl<S> Sessions<S> {
    /// Removes every session that is not to be kept, and gives memory back after a crowd.
    pub(crate) fn retain(&mut self, keep: impl Fn(&StoredSession<S>) -> bool) {
        *self = match mem::replace(self, Self::Many(Vec::new())) {
            Self::One(only) if keep(&only) => Self::One(only),
            Self::One(_) => Self::Many(Vec::new()),
            Self::Two([first, second]) => match (keep(&first), keep(&second)) {
                (true, true) => Self::Two([first, second]),
                (true, false) => Self::One(first),
                (false, true) => Self::One(second),
                (false, false) => Self::Many(Vec::new()),
            },
            Self::Many(mut sessions) => {
                sessions.retain(&keep);
                sessions.shrink_to(sessions.len().saturating_mul(2));
                Self::from(sessions)
            }
        };
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [StoredSession<S>] {
        match self {
            Self::One(session) => slice::from_mut(session),
            Self::Two(sessions) => sessions,
            Self::Many(sessions) => sessions,
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[StoredSession<S>] {
        match self {
            Self::One(session) => slice::from_ref(session),
            Self::Two(sessions) => sessions,
            Self::Many(sessions) => sessions,
        }
    }
}

impl<S> From<Vec<StoredSession<S>>> for Sessions<S> {
    /// Takes sessions that are in the order of their ids.
    fn from(sessions: Vec<StoredSession<S>>) -> Self {
        if sessions.len() > 2 {
            return Self::Many(sessions);
        }
        let mut sessions = sessions.into_iter();
        match (sessions.next(), sessions.next()) {
            (Some(first), Some(second)) => Self::Two([first, second]),
            (Some(only), None) => Self::One(only),
            (None, _) => Self::Many(Vec::new()),
        }
    }
}
