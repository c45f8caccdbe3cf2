use std::borrow::Borrow;
use std::hash::Hash;

/// A type of ids, for users or for sessions.
pub(crate) trait Id: Clone + Hash + Ord {
    const NAME: &str;

    /// Returns an id for each number, from a fixed seed. No two of them are equal.
    fn new(number: u64) -> Self;
}

/// A type of user ids that can be looked up by what a request borrows.
pub(crate) trait UserId: Id + Borrow<Self::Name> {
    type Name: Hash + Eq + ToOwned<Owned = Self> + ?Sized;
}

impl Id for u64 {
    const NAME: &str = "u64";

    fn new(number: u64) -> Self {
        scattered(number)
    }
}

impl UserId for u64 {
    type Name = Self;
}

impl Id for u128 {
    const NAME: &str = "u128";

    fn new(number: u64) -> Self {
        let high = scattered(number);
        Self::from(high) << 64 | Self::from(scattered(high))
    }
}

impl UserId for u128 {
    type Name = Self;
}

/// A GUID as text: 36 characters on the heap.
impl Id for String {
    const NAME: &str = "String";

    fn new(number: u64) -> Self {
        let guid = u128::new(number);
        let group = |shift: u32| guid >> shift & 0xffff;
        let (first, last) = (guid >> 96, guid & 0xffff_ffff_ffff);
        format!("{first:08x}-{:04x}-{:04x}-{:04x}-{last:012x}", group(80), group(64), group(48))
    }
}

impl UserId for String {
    type Name = str;
}

/// Maps consecutive numbers to scattered ones, each to another one (`SplitMix64`).
pub(crate) const fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
