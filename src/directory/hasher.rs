use core::fmt;
use core::hash::{BuildHasher, Hasher};

/// The default hasher of a directory.
///
/// It is fast, and seeded for each directory if the platform has a source of seeds. If users choose
/// their own ids and can measure response times, pass a hasher that resists them to
/// [`PresenceDirectory::with_hasher`](crate::PresenceDirectory::with_hasher), such as
/// `std::hash::RandomState`. No answer of a directory depends on the hasher.
#[derive(Debug, Clone, Default)]
pub struct UserHashBuilder(foldhash::fast::RandomState);

impl BuildHasher for UserHashBuilder {
    type Hasher = UserHasher;

    #[inline]
    fn build_hasher(&self) -> UserHasher {
        UserHasher(self.0.build_hasher())
    }
}

/// The hasher that [`UserHashBuilder`] builds.
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
