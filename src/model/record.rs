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
/// Most users have one or two sessions and no preference. Their sessions are stored inline; all other
/// users have their sessions on the heap. Each state has exactly one form, so equal states are equal
/// values.
///
/// With ids of 8 bytes a record has 48 bytes: two ids, two leases of 15 bytes, the reported presence and
/// the variant. With the user's id and a deadline it fits into one cache line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Record<S> {
    Two(Inline<S, 2>),
    One(Inline<S, 1>),
    None(Inline<S, 0>),
    Heap(Heap<S>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Inline<S, const N: usize> {
    ids: [S; N],
    leases: [Lease; N],
    reported: Presence,
    spare: Spare,
}

/// A byte with one valid value. The compiler stores the variant of the record in the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Spare {
    Byte,
}

/// More than two sessions, or a preference.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Heap<S> {
    sessions: Box<[(S, Lease)]>,
    preference: Option<PreferredLease>,
    reported: Presence,
}

impl<S> Record<S> {
    pub(crate) const fn new() -> Self {
        Self::None(Inline::new([], [], Presence::Offline))
    }

    /// Stores sessions, which must be in the order of their ids.
    pub(crate) fn from_parts(
        sessions: impl Iterator<Item = (S, Lease)>,
        preference: Option<PreferredLease>,
        reported: Presence,
    ) -> Self {
        let mut sessions = sessions.fuse();
        if preference.is_some() {
            return Self::Heap(Heap { sessions: sessions.collect(), preference, reported });
        }
        match (sessions.next(), sessions.next(), sessions.next()) {
            (Some((id, lease)), Some((next_id, next_lease)), None) => {
                Self::Two(Inline::new([id, next_id], [lease, next_lease], reported))
            }
            (Some((id, lease)), None, _) => Self::One(Inline::new([id], [lease], reported)),
            (None, ..) => Self::None(Inline::new([], [], reported)),
            (first, second, third) => {
                let sessions = first.into_iter().chain(second).chain(third).chain(sessions);
                Self::Heap(Heap { sessions: sessions.collect(), preference, reported })
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
            Self::One(Inline { ids: [id], leases: [lease], .. }) => {
                (Some((id, lease)), None, Vec::new())
            }
            Self::Two(Inline { ids: [id, next_id], leases: [lease, next_lease], .. }) => {
                (Some((id, lease)), Some((next_id, next_lease)), Vec::new())
            }
            Self::Heap(heap) => (None, None, heap.sessions.into_vec()),
        };
        first.into_iter().chain(second).chain(heap)
    }

    /// Returns the sessions in the order of their ids.
    #[inline]
    pub(crate) fn sessions(&self) -> RecordSessions<'_, S> {
        let (ids, leases, heap) = match self {
            Self::None(_) => Default::default(),
            Self::One(Inline { ids, leases, .. }) => (ids.iter(), leases.iter(), [].iter()),
            Self::Two(Inline { ids, leases, .. }) => (ids.iter(), leases.iter(), [].iter()),
            Self::Heap(heap) => ([].iter(), [].iter(), heap.sessions.iter()),
        };
        RecordSessions { inline: ids.zip(leases), heap }
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
            Self::None(Inline { reported, .. })
            | Self::One(Inline { reported, .. })
            | Self::Two(Inline { reported, .. })
            | Self::Heap(Heap { reported, .. }) => *reported,
        }
    }

    /// Stores what is reported now, and returns what was reported before.
    #[inline]
    pub(crate) fn report(&mut self, current: Presence) -> Presence {
        match self {
            Self::None(Inline { reported, .. })
            | Self::One(Inline { reported, .. })
            | Self::Two(Inline { reported, .. })
            | Self::Heap(Heap { reported, .. }) => mem::replace(reported, current),
        }
    }
}

impl<S, const N: usize> Inline<S, N> {
    const fn new(ids: [S; N], leases: [Lease; N], reported: Presence) -> Self {
        Self { ids, leases, reported, spare: Spare::Byte }
    }
}

impl<S: Ord> Record<S> {
    /// Adds a session that is not there yet.
    pub(crate) fn insert(&mut self, id: S, lease: Lease) {
        let (preference, reported) = (self.preference(), self.reported());
        let mut sessions: Vec<_> = self.take_sessions().collect();
        let at = sessions.partition_point(|(stored, _)| *stored < id);
        sessions.insert(at, (id, lease));
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
            Self::None(inline) => inline.lease_mut(id),
            Self::One(inline) => inline.lease_mut(id),
            Self::Two(inline) => inline.lease_mut(id),
            Self::Heap(heap) => heap.lease_mut(id),
        }
    }

    /// Replaces the lease of a session, if it exists, in a record in which everything is live.
    ///
    /// It returns what was reported before, and what is in effect now.
    #[inline]
    pub(crate) fn refresh(&mut self, id: &S, lease: Lease, now: i64) -> Option<(Presence, Presence)> {
        match self {
            Self::None(inline) => inline.refresh(id, lease, now),
            Self::One(inline) => inline.refresh(id, lease, now),
            Self::Two(inline) => inline.refresh(id, lease, now),
            Self::Heap(heap) => heap.refresh(id, lease, now),
        }
    }
}

/// What a refresh needs of each form of a record.
trait Form<S> {
    fn lease_mut(&mut self, id: &S) -> Option<&mut Lease>;
    fn leases(&self) -> impl Iterator<Item = Lease>;
    fn preference(&self) -> Option<PreferredLease>;
    fn reported_mut(&mut self) -> &mut Presence;

    /// Most commands to a server are refreshes. If the session shows what it showed before, nothing
    /// else of the user is looked at.
    #[inline]
    fn refresh(&mut self, id: &S, lease: Lease, now: i64) -> Option<(Presence, Presence)> {
        let before = mem::replace(self.lease_mut(id)?, lease).presence(now);
        let presence = lease.presence(now);
        let previous = *self.reported_mut();
        if before == presence {
            return Some((previous, previous));
        }
        let mut current = presence;
        for lease in self.leases() {
            current = lease.beside(current, now);
        }
        if let Some(preference) = self.preference() {
            current = preference.presence().presence();
        }
        *self.reported_mut() = current;
        Some((previous, current))
    }
}

impl<S: PartialEq, const N: usize> Form<S> for Inline<S, N> {
    #[inline]
    fn lease_mut(&mut self, id: &S) -> Option<&mut Lease> {
        let mut sessions = self.ids.iter().zip(&mut self.leases);
        sessions.find(|(stored, _)| *stored == id).map(|(_, lease)| lease)
    }

    #[inline]
    fn leases(&self) -> impl Iterator<Item = Lease> {
        self.leases.iter().copied()
    }

    #[inline]
    fn preference(&self) -> Option<PreferredLease> {
        None
    }

    #[inline]
    fn reported_mut(&mut self) -> &mut Presence {
        &mut self.reported
    }
}

impl<S: PartialEq> Form<S> for Heap<S> {
    #[inline]
    fn lease_mut(&mut self, id: &S) -> Option<&mut Lease> {
        let mut sessions = self.sessions.iter_mut();
        sessions.find(|(stored, _)| stored == id).map(|(_, lease)| lease)
    }

    #[inline]
    fn leases(&self) -> impl Iterator<Item = Lease> {
        self.sessions.iter().map(|(_, lease)| *lease)
    }

    #[inline]
    fn preference(&self) -> Option<PreferredLease> {
        self.preference
    }

    #[inline]
    fn reported_mut(&mut self) -> &mut Presence {
        &mut self.reported
    }
}

/// The sessions of a record, in the order of their ids.
#[derive(Debug)]
pub(crate) struct RecordSessions<'a, S> {
    inline: iter::Zip<slice::Iter<'a, S>, slice::Iter<'a, Lease>>,
    heap: slice::Iter<'a, (S, Lease)>,
}

impl<S> Clone for RecordSessions<'_, S> {
    fn clone(&self) -> Self {
        Self { inline: self.inline.clone(), heap: self.heap.clone() }
    }
}

impl<'a, S> Iterator for RecordSessions<'a, S> {
    type Item = (&'a S, Lease);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self.inline.next() {
            Some((id, lease)) => Some((id, *lease)),
            None => self.heap.next().map(|(id, lease)| (id, *lease)),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let sessions = self.inline.len() + self.heap.len();
        (sessions, Some(sessions))
    }
}

impl<S> ExactSizeIterator for RecordSessions<'_, S> {}
