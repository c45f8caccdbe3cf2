//! Counters of allocations, hashes and clones.

#![allow(dead_code, reason = "no test file uses all of it")]
#![allow(unsafe_code, reason = "an allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hash::{BuildHasher, DefaultHasher, Hash};

use presence_core::{PresenceDirectory, SessionPresence};

use crate::common::{at, set};

/// Returns users that are away until 13:00.
pub(crate) fn crowd(users: u32) -> PresenceDirectory<Counted, u8> {
    let mut directory = PresenceDirectory::new();
    for user in 0..users {
        let body = set(0, SessionPresence::Away, "PT4H");
        let _ = directory.apply(&Counted(user), body, at("09:00")).unwrap();
    }
    directory
}

/// A user id whose clones are counted.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Counted(pub(crate) u32);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.set(CLONES.get() + 1);
        Self(self.0)
    }
}

/// A hasher that counts how often it is used.
#[derive(Clone)]
pub(crate) struct CountedHashes;

impl BuildHasher for CountedHashes {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        HASHES.set(HASHES.get() + 1);
        DefaultHasher::new()
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    pub(crate) static BYTES: Cell<isize> = const { Cell::new(0) };
    pub(crate) static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    pub(crate) static LARGEST: Cell<usize> = const { Cell::new(0) };
    pub(crate) static REQUESTED: Cell<usize> = const { Cell::new(0) };
    pub(crate) static RETURNED: Cell<usize> = const { Cell::new(0) };
    pub(crate) static PEAK: Cell<isize> = const { Cell::new(0) };
    pub(crate) static CLONES: Cell<usize> = const { Cell::new(0) };
    pub(crate) static HASHES: Cell<usize> = const { Cell::new(0) };
}

/// Counts for each thread, because tests run in parallel.
struct Counting;

fn count(bytes: usize, sign: isize) {
    BYTES.set(BYTES.get() + sign * bytes.cast_signed());
    if sign > 0 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LARGEST.set(LARGEST.get().max(bytes));
        REQUESTED.set(REQUESTED.get() + bytes);
        PEAK.set(PEAK.get().max(BYTES.get()));
    } else {
        RETURNED.set(RETURNED.get() + bytes);
    }
}

// SAFETY: The system's allocator does the work. The counters have no destructor and never allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 1);
        // SAFETY: The caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), -1);
        // SAFETY: The caller's contract is the same.
        unsafe { System.dealloc(pointer, layout) }
    }
}
