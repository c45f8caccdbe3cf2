use core::fmt;
use core::hash::{BuildHasher, Hasher};

/// How a directory hashes its users unless it is told otherwise.
///
/// Quick, and seeded for each directory where the platform has anything to seed it with, which
/// keeps accidents and idle attackers away. Where users choose their own ids and can measure how
/// long answers take, hand [`PresenceDirectory::with_hasher`](crate::PresenceDirectory::with_hasher)
/// a hasher that is made for that, such as `std::hash::RandomState`. Nothing that a directory answers
/// depends on it.
///
/// ```
/// use core::hash::BuildHasher;
/// use presence_core::UserHashBuilder;
///
/// let hashes = UserHashBuilder::default();
/// assert_eq!(hashes.hash_one("ana"), hashes.hash_one("ana"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct UserHashBuilder(foldhash::fast::RandomState);

impl BuildHasher for UserHashBuilder {
    type Hasher = UserHasher;

    #[inline]
    fn build_hasher(&self) -> UserHasher {
        UserHasher(self.0.build_hasher())
    }
}

/// The hasher of [`UserHashBuilder`].
///
/// ```
/// use core::hash::{BuildHasher, Hasher};
/// use presence_core::UserHashBuilder;
///
/// let hashes = UserHashBuilder::default();
/// let mut hasher = hashes.build_hasher();
/// hasher.write_u64(7);
/// assert_eq!(hasher.finish(), hashes.hash_one(7_u64));
/// ```
#[derive(Clone)]
pub struct UserHasher(foldhash::fast::FoldHasher<'static>);

impl fmt::Debug for UserHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserHasher").finish_non_exhaustive()
    }
}

macro_rules! forward {
    ($($write:ident: $value:ty),+ $(,)?) => {$(
        #[inline]
        fn $write(&mut self, value: $value) {
            self.0.$write(value);
        }
    )+};
}

impl Hasher for UserHasher {
    forward! {
        write: &[u8],
        write_u8: u8,
        write_u16: u16,
        write_u32: u32,
        write_u64: u64,
        write_u128: u128,
        write_usize: usize,
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0.finish()
    }
}
