use alloc::boxed::Box;
use alloc::vec::Vec;
use core::iter;
use core::mem;
use core::slice;

use crate::model::preference::PreferredLease;
use crate::model::session::Lease;
use crate::presence::Presence;

/// The stored state of a user: the sessions in the order of their ids, the preference, and the
/// presence that was reported last.
///
/// A person has a laptop and perhaps a phone, so most users have one or two sessions, and few have a
/// preference at the same time. Their sessions are stored inline, those of all other users on the heap:
///
/// | sessions | preference | form | heap, with ids of 8 bytes |
/// |---|---|---|---|
/// | 0 | no | `None` | |
/// | 1, as most users | no | `One` | |
/// | 2 | no | `Two` | |
/// | 3 to 128 | no | `Heap` | one block, 24 bytes a session |
/// | 0 to 128 | yes | `Heap` | the same |
///
/// With ids of 8 bytes a record has 48 bytes:
///
/// ```text
/// byte    0         1                16        24        32           47
/// Two     reported  lease            id        next id   next lease   variant
/// One     reported  lease            id                               variant
/// Heap    reported  preference (17)            pointer   length       variant
/// ```
///
/// With the user's id and a deadline that is one cache line. Every form starts with the reported presence,
/// as a read needs no more. The variant is the last byte, so that both ends of a record can be fetched
/// from memory by reading it. Each state has exactly one form, so equal states are equal values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Record<S> {
    Two(Two<S>),
    One(One<S>),
    None(Presence),
    Heap(Heap<S>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Two<S> {
    reported: Presence,
    lease: Lease,
    ids: [S; 2],
    next_lease: Lease,
    variant: Variant,
}

/// A byte with one valid value. The compiler stores the variant of the record in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Variant {
    Two,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct One<S> {
    reported: Presence,
    lease: Lease,
    id: S,
}

/// More than two sessions, or a preference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[repr(C)]
pub(crate) struct Heap<S> {
    reported: Presence,
    preference: Option<PreferredLease>,
    sessions: Box<[(S, Lease)]>,
}

impl<S> Record<S> {
    pub(crate) const fn new() -> Self {
        Self::None(Presence::Offline)
    }

    /// Stores sessions, which must be in the order of their ids.
    pub(crate) fn from_parts(
        sessions: impl Iterator<Item = (S, Lease)>,
        preference: Option<PreferredLease>,
        reported: Presence,
    ) -> Self {
        // A vector that collects a chain checks its length. The panic of that check would be linked in.
        let mut sessions = sessions.fuse();
        let mut sessions = iter::from_fn(move || sessions.next());
        if preference.is_some() {
            return Self::Heap(Heap { reported, preference, sessions: sessions.collect() });
        }
        match (sessions.next(), sessions.next(), sessions.next()) {
            (Some((id, lease)), Some((next_id, next_lease)), None) => {
                let (ids, variant) = ([id, next_id], Variant::Two);
                Self::Two(Two { reported, lease, ids, next_lease, variant })
            }
            (Some((id, lease)), None, _) => Self::One(One { reported, lease, id }),
            (None, ..) => Self::None(reported),
            (first, second, third) => {
                let sessions = first.into_iter().chain(second).chain(third).chain(sessions);
                Self::Heap(Heap { reported, preference, sessions: sessions.collect() })
            }
        }
    }

    /// Moves starts in the future to `now` (rule T5), and removes what has ended.
    #[cold]
    pub(crate) fn expire(&mut self, now: i64) {
        let preference = self.preference().map(|lease| lease.clamped(now));
        let preference = preference.filter(|lease| lease.phase(now).is_some());
        let reported = self.reported();
        let sessions = self.take_sessions().map(|(id, lease)| (id, lease.clamped(now)));
        let sessions = sessions.filter(|(_, lease)| lease.phase(now).is_some());
        *self = Self::from_parts(sessions, preference, reported);
    }

    pub(crate) fn set_preference(&mut self, preference: Option<PreferredLease>) {
        let reported = self.reported();
        *self = Self::from_parts(self.take_sessions(), preference, reported);
    }

    /// Leaves an empty record behind, and returns the sessions that were there.
    fn take_sessions(&mut self) -> impl Iterator<Item = (S, Lease)> + use<S> {
        let (first, second, heap) = match mem::replace(self, Self::new()) {
            Self::None(_) => (None, None, Vec::new()),
            Self::One(One { lease, id, .. }) => (Some((id, lease)), None, Vec::new()),
            Self::Two(Two { lease, ids: [id, next_id], next_lease, .. }) => {
                (Some((id, lease)), Some((next_id, next_lease)), Vec::new())
            }
            Self::Heap(heap) => (None, None, heap.sessions.into_vec()),
        };
        first.into_iter().chain(second).chain(heap)
    }

    /// Returns the sessions in the order of their ids.
    #[inline]
    pub(crate) fn sessions(&self) -> RecordSessions<'_, S> {
        let (first, second, heap) = match self {
            Self::None(_) => (None, None, [].iter()),
            Self::One(One { lease, id, .. }) => (Some((id, *lease)), None, [].iter()),
            Self::Two(Two { lease, ids: [id, next_id], next_lease, .. }) => {
                (Some((id, *lease)), Some((next_id, *next_lease)), [].iter())
            }
            Self::Heap(heap) => (None, None, heap.sessions.iter()),
        };
        RecordSessions { first, second, heap }
    }

    #[inline]
    pub(crate) fn preference(&self) -> Option<PreferredLease> {
        match self {
            Self::None(_) | Self::One(_) | Self::Two(_) => None,
            Self::Heap(heap) => heap.preference,
        }
    }

    #[inline]
    pub(crate) fn reported(&self) -> Presence {
        match self {
            Self::None(reported)
            | Self::One(One { reported, .. })
            | Self::Two(Two { reported, .. })
            | Self::Heap(Heap { reported, .. }) => *reported,
        }
    }

    /// Stores what is reported now, and returns what was reported before.
    #[inline]
    pub(crate) fn report(&mut self, current: Presence) -> Presence {
        match self {
            Self::None(reported)
            | Self::One(One { reported, .. })
            | Self::Two(Two { reported, .. })
            | Self::Heap(Heap { reported, .. }) => mem::replace(reported, current),
        }
    }
}

impl<S: Ord> Record<S> {
    /// Adds a session that is not there yet.
    pub(crate) fn insert(&mut self, id: S, lease: Lease) {
        let (preference, reported) = (self.preference(), self.reported());
        let (mut sessions, after): (Vec<_>, Vec<_>) =
            self.take_sessions().partition(|(stored, _)| *stored < id);
        sessions.push((id, lease));
        sessions.extend(after);
        debug_assert!(sessions.is_sorted_by(|(id, _), (next_id, _)| id < next_id));
        *self = Self::from_parts(sessions.into_iter(), preference, reported);
    }

    pub(crate) fn remove(&mut self, id: &S) {
        let (preference, reported) = (self.preference(), self.reported());
        let sessions = self.take_sessions().filter(|(stored, _)| stored != id);
        *self = Self::from_parts(sessions, preference, reported);
    }
}

impl<S: PartialEq> Record<S> {
    #[inline]
    pub(crate) fn lease_mut(&mut self, id: &S) -> Option<&mut Lease> {
        match self {
            Self::None(_) => None,
            Self::One(one) => (one.id == *id).then_some(&mut one.lease),
            Self::Two(two) => {
                let at = two.ids.iter().position(|stored| stored == id)?;
                Some(if at == 0 { &mut two.lease } else { &mut two.next_lease })
            }
            Self::Heap(heap) => {
                let mut sessions = heap.sessions.iter_mut();
                sessions.find(|(stored, _)| stored == id).map(|(_, lease)| lease)
            }
        }
    }

    /// Replaces the lease of a session, if it exists, in a record in which everything is live.
    ///
    /// Returns what was reported before, and what is in effect now. Most commands to a server are
    /// refreshes: if the session shows what it showed before, nothing else of the user is looked at.
    #[inline]
    pub(crate) fn refresh(&mut self, id: &S, lease: Lease, now: i64) -> Option<(Presence, Presence)> {
        let before = mem::replace(self.lease_mut(id)?, lease).presence(now);
        let presence = lease.presence(now);
        if presence == before {
            return Some((self.reported(), self.reported()));
        }
        let current = match self.preference() {
            Some(preference) => preference.presence().presence(),
            None => self.sessions().map(|(_, lease)| lease.presence(now)).fold(presence, Presence::max),
        };
        Some((self.report(current), current))
    }
}

/// The sessions of a record, in the order of their ids.
#[derive(Debug)]
pub(crate) struct RecordSessions<'a, S> {
    first: Option<(&'a S, Lease)>,
    second: Option<(&'a S, Lease)>,
    heap: slice::Iter<'a, (S, Lease)>,
}

impl<S> Clone for RecordSessions<'_, S> {
    fn clone(&self) -> Self {
        Self { first: self.first, second: self.second, heap: self.heap.clone() }
    }
}

impl<'a, S> Iterator for RecordSessions<'a, S> {
    type Item = (&'a S, Lease);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let inline = self.first.take().or_else(|| self.second.take());
        inline.or_else(|| self.heap.next().map(|(id, lease)| (id, *lease)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let inline = usize::from(self.first.is_some()) + usize::from(self.second.is_some());
        let sessions = inline + self.heap.len();
        (sessions, Some(sessions))
    }
}

impl<S> ExactSizeIterator for RecordSessions<'_, S> {}
