use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use crate::Presence;
use crate::session::Grant;

/// The sessions of one user, in the order of their ids, and what was told last.
///
/// Most users have one or two sessions; those are kept in place, and only more are kept on the
/// heap. Each number of sessions has exactly one form, so that equal sets are equal values.
///
/// All is arranged for two sessions with ids of 8 bytes to take 48 bytes, 2 x 8 for the ids, 2 x 15
/// for the grants and one for what was told, which leaves room for who the user is in one line of the
/// cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Sessions<S> {
    None(Few<S, 0>),
    One(Few<S, 1>),
    Two(Few<S, 2>),
    Many(Box<Many<S>>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Few<S, const N: usize> {
    ids: [S; N],
    grants: [Grant; N],
    told: Presence,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Many<S> {
    ids: Vec<S>,
    grants: Vec<Grant>,
    told: Presence,
}

impl<S> Sessions<S> {
    pub(crate) const fn new() -> Self {
        Self::None(Few { ids: [], grants: [], told: Presence::Offline })
    }

    /// Takes sessions that are in the order of their ids.
    pub(crate) fn from_parts(sessions: impl IntoIterator<Item = (S, Grant)>, told: Presence) -> Self {
        let mut sessions = sessions.into_iter();
        match (sessions.next(), sessions.next(), sessions.next()) {
            (None, ..) => Self::None(Few { ids: [], grants: [], told }),
            (Some((id, grant)), None, _) => Self::One(Few { ids: [id], grants: [grant], told }),
            (Some((id, grant)), Some((next_id, next_grant)), None) => {
                Self::Two(Few { ids: [id, next_id], grants: [grant, next_grant], told })
            }
            (Some(first), Some(second), Some(third)) => {
                let (ids, grants) = [first, second, third].into_iter().chain(sessions).unzip();
                Self::Many(Box::new(Many { ids, grants, told }))
            }
        }
    }

    /// Returns the ids, the grant of each of them, and what was told last.
    #[inline]
    pub(crate) fn parts(&self) -> (&[S], &[Grant], Presence) {
        match self {
            Self::None(Few { ids, grants, told }) => (ids, grants, *told),
            Self::One(Few { ids, grants, told }) => (ids, grants, *told),
            Self::Two(Few { ids, grants, told }) => (ids, grants, *told),
            Self::Many(many) => (&many.ids, &many.grants, many.told),
        }
    }

    #[inline]
    pub(crate) fn parts_mut(&mut self) -> (&[S], &mut [Grant], &mut Presence) {
        match self {
            Self::None(Few { ids, grants, told }) => (ids, grants, told),
            Self::One(Few { ids, grants, told }) => (ids, grants, told),
            Self::Two(Few { ids, grants, told }) => (ids, grants, told),
            Self::Many(many) => (&many.ids, &mut many.grants, &mut many.told),
        }
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&S, Grant)> {
        let (ids, grants, _) = self.parts();
        ids.iter().zip(grants.iter().copied())
    }

    #[inline]
    pub(crate) fn grants(&self) -> impl ExactSizeIterator<Item = Grant> {
        self.parts().1.iter().copied()
    }

    /// Removes every session that is not to be kept.
    pub(crate) fn retain(&mut self, keep: impl Fn(&S, Grant) -> bool) {
        let is_kept = |(id, grant): &(S, Grant)| keep(id, *grant);
        *self = match mem::replace(self, Self::new()) {
            Self::None(none) => Self::None(none),
            Self::One(Few { ids, grants, told }) => {
                Self::from_parts(ids.into_iter().zip(grants).filter(is_kept), told)
            }
            Self::Two(Few { ids, grants, told }) => {
                Self::from_parts(ids.into_iter().zip(grants).filter(is_kept), told)
            }
            Self::Many(many) => {
                Self::from_parts(many.ids.into_iter().zip(many.grants).filter(is_kept), many.told)
            }
        };
    }
}

impl<S: PartialEq> Few<S, 2> {
    /// Returns the grant of an id, the other one, and what was told last.
    #[inline]
    pub(crate) fn split_mut(&mut self, id: &S) -> Option<(&mut Grant, &Grant, &mut Presence)> {
        let Self { ids: [first_id, second_id], grants: [first, second], told } = self;
        if first_id == id {
            Some((first, second, told))
        } else if second_id == id {
            Some((second, first, told))
        } else {
            None
        }
    }
}

impl<S: Ord> Sessions<S> {
    /// Adds a session, or replaces the one of the same id whole (rule S3).
    #[inline]
    pub(crate) fn insert(&mut self, id: S, grant: Grant) {
        let (ids, grants, _) = self.parts_mut();
        if let Some((_, stored)) = ids.iter().zip(grants).find(|(stored, _)| **stored == id) {
            *stored = grant;
        } else {
            self.add(id, grant);
        }
    }

    #[cold]
    fn add(&mut self, id: S, grant: Grant) {
        let (ids, _, told) = self.parts();
        let at = ids.partition_point(|other| *other < id);
        let mut sessions: Vec<_> = match mem::replace(self, Self::new()) {
            Self::None(_) => Vec::new(),
            Self::One(Few { ids, grants, .. }) => ids.into_iter().zip(grants).collect(),
            Self::Two(Few { ids, grants, .. }) => ids.into_iter().zip(grants).collect(),
            Self::Many(many) => many.ids.into_iter().zip(many.grants).collect(),
        };
        sessions.insert(at, (id, grant));
        *self = Self::from_parts(sessions, told);
    }
}
