//! Many small hash tables, against one sorted set.

extern crate alloc;

mod common;
mod counting;
#[path = "../src/directory/shards.rs"]
mod shards;

use std::collections::BTreeSet;

use common::deterministic;
use counting::{LARGEST, REQUESTED};
use proptest::collection::vec;
use proptest::prelude::*;
use shards::Shards;

/// Ways to hash a number, from the best to the worst.
const HASHES: [fn(u64) -> u64; 5] = [
    |number| {
        (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (number + 1).wrapping_mul(0xff51_afd7) << 32
    },
    |number| number,
    |number| number << 40,
    |number| number % 3 * 0x0123_4567_89ab_cdef,
    |_| 0,
];

/// Tables, and the numbers that are in them.
struct Both {
    shards: Shards<u64>,
    expected: BTreeSet<u64>,
    hash: fn(u64) -> u64,
}

impl Both {
    fn new(hash: fn(u64) -> u64) -> Self {
        Self { shards: Shards::new(), expected: BTreeSet::new(), hash }
    }

    fn insert(&mut self, number: u64) {
        if self.expected.insert(number) {
            self.shards.insert((self.hash)(number), number, &|number| (self.hash)(*number));
        }
    }

    fn remove(&mut self, number: u64) {
        let hash = self.hash;
        let removed = self.shards.remove(hash(number), |other| *other == number, |other| hash(*other));
        assert_eq!(removed.is_some(), self.expected.remove(&number));
    }

    fn retain(&mut self, modulus: u64) {
        let hash = self.hash;
        self.shards.retain(&mut |number| *number % modulus != 0, &|number| hash(*number));
        self.expected.retain(|number| number % modulus != 0);
    }

    fn verify(&mut self) {
        for number in &self.expected {
            let hash = (self.hash)(*number);
            assert_eq!(
                self.shards.table(hash).unwrap().find(hash, |other| other == number),
                Some(number)
            );
            let found = self.shards.table_mut(hash).unwrap().find_mut(hash, |other| other == number);
            assert_eq!(found, Some(&mut number.clone()));
        }
        let mut all: Vec<u64> = self.shards.tables().into_iter().flatten().copied().collect();
        all.sort_unstable();
        assert!(all.iter().eq(&self.expected));
    }
}

proptest! {
    #![proptest_config(deterministic())]

    #[test]
    fn they_hold_what_a_set_does(
        hash in 0..HASHES.len(), acts in vec((0..4_u8, 0..600_u64, 1..400_u64), 1..12),
    ) {
        let mut both = Both::new(HASHES[hash]);
        for (act, from, count) in acts {
            match act {
                0 | 1 => (from..from + count).for_each(|number| both.insert(number)),
                2 => (from..from + count).for_each(|number| both.remove(number)),
                _ => both.retain(count),
            }
            both.verify();
        }
        let mut all: Vec<u64> = both.shards.into_tables().into_iter().flatten().collect();
        all.sort_unstable();
        prop_assert!(all.into_iter().eq(both.expected));
    }
}

/// With small tables, indexes are doubled and replaced by levels on the way.
#[test]
fn they_hold_many_items() {
    let mut both = Both::new(HASHES[0]);
    for number in 0..20_000 {
        both.insert(number);
    }
    both.verify();
    for number in (0..20_000).step_by(2).chain(5_000..15_000) {
        if both.expected.contains(&number) {
            both.remove(number);
        }
    }
    both.verify();
}

/// O3: neither the items nor an index of their tables lie in one block of memory, so no call copies more than
/// a few blocks. With small tables the limits bind: then four thousand items need as large a block as
/// sixty-four times as many.
#[test]
fn the_largest_block_does_not_depend_on_the_number_of_items() {
    let largest = [4_000, 16_000, 256_000].map(|count| {
        LARGEST.set(0);
        let mut shards = Shards::new();
        let mut most = 0;
        for number in 0..count {
            let before = REQUESTED.get();
            shards.insert(HASHES[0](number), number, &|number| HASHES[0](*number));
            most = most.max(REQUESTED.get() - before);
        }
        (LARGEST.get(), most)
    });
    assert!(largest.iter().all(|(block, call)| *block <= 1 << 20 && *call <= 4 << 20), "{largest:?}");
    if cfg!(presence_small_shards) {
        assert!(largest[0] == largest[1] && largest[1] == largest[2], "{largest:?}");
    }
}
