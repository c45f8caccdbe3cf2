//! A program without an operating system: it shows which code and which panics the crate links in.
//!
//! `check` builds it for a Cortex-M4, once with a model and once with a directory.

#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use presence_core::{
    CommandError, Outcome, PreferredExpiration, PreferredPresence, SessionExpiration, SessionPresence,
    SetPreferred, SetSession, SignedDuration, Timestamp,
};

unsafe extern "C" {
    safe fn allocate(size: usize, align: usize) -> *mut u8;
    safe fn free(pointer: *mut u8);
    safe fn stop() -> !;
}

/// The allocator of the program.
struct Program;

// SAFETY: The program keeps the contract.
unsafe impl GlobalAlloc for Program {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocate(layout.size(), layout.align())
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
        free(pointer);
    }
}

#[global_allocator]
static PROGRAM: Program = Program;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    stop()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn seconds(timestamp: Option<Timestamp>) -> i64 {
    timestamp.map_or(i64::MAX, Timestamp::as_seconds)
}

fn set(id: u32, claim: &SessionPresence, lifetime: i64) -> SetSession<u32> {
    let expiration = SessionExpiration::new(SignedDuration::seconds(lifetime));
    SetSession::new(id, *claim).with_expiration(expiration.unwrap_or_default())
}

fn prefer(presence: &PreferredPresence, lifetime: i64) -> SetPreferred {
    let body = SetPreferred::new(*presence);
    match PreferredExpiration::new(SignedDuration::seconds(lifetime)) {
        Ok(expiration) => body.with_expiration(expiration),
        Err(_) => body,
    }
}

fn number(result: Result<Outcome, CommandError>) -> i32 {
    match result.map(|outcome| outcome.changed()) {
        Ok(Some(presence)) => presence as i32,
        Ok(None) => -1,
        Err(error) => -i32::from(error.status()),
    }
}

#[cfg(not(feature = "directory"))]
mod model {
    use presence_core::{
        ClearPreferred, ClearSession, PreferredPresence, PresenceModel, SessionPresence,
    };

    use crate::{at, number, seconds};

    type Model = PresenceModel<u32>;

    #[unsafe(no_mangle)]
    extern "C" fn create(model: &mut Model) {
        *model = Model::new();
    }

    #[unsafe(no_mangle)]
    extern "C" fn set(
        model: &mut Model,
        id: u32,
        claim: &SessionPresence,
        lifetime: i64,
        now: i64,
    ) -> i32 {
        number(model.apply(crate::set(id, claim, lifetime), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn clear(model: &mut Model, id: u32, now: i64) -> i32 {
        number(model.apply(ClearSession::new(id), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn prefer(
        model: &mut Model,
        presence: &PreferredPresence,
        lifetime: i64,
        now: i64,
    ) -> i32 {
        number(model.apply(crate::prefer(presence, lifetime), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn clear_preferred(model: &mut Model, now: i64) -> i32 {
        number(model.apply(ClearPreferred, at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn tick(model: &mut Model, now: i64) -> i32 {
        number(Ok(model.tick(at(now))))
    }

    #[unsafe(no_mangle)]
    extern "C" fn presence(model: &Model, now: i64) -> i32 {
        model.presence(at(now)) as i32
    }

    #[unsafe(no_mangle)]
    extern "C" fn deadline(model: &Model, now: i64) -> i64 {
        seconds(model.deadline(at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn expires_at(model: &Model, now: i64) -> i64 {
        seconds(model.expires_at(at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn forecast(model: &Model, now: i64) -> i64 {
        seconds(model.forecast(at(now)).next().map(|change| change.at))
    }
}

#[cfg(feature = "directory")]
mod directory {
    use presence_core::{
        ClearPreferred, ClearSession, PreferredPresence, PresenceDirectory, SessionPresence,
    };

    use crate::{at, number, seconds};

    type Directory = PresenceDirectory<u32, u32>;

    #[unsafe(no_mangle)]
    extern "C" fn create(users: &mut Directory) {
        *users = Directory::new();
    }

    #[unsafe(no_mangle)]
    extern "C" fn set(
        users: &mut Directory,
        user: u32,
        id: u32,
        claim: &SessionPresence,
        lifetime: i64,
        now: i64,
    ) -> i32 {
        number(users.apply(&user, crate::set(id, claim, lifetime), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn clear(users: &mut Directory, user: u32, id: u32, now: i64) -> i32 {
        number(users.apply(&user, ClearSession::new(id), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn prefer(
        users: &mut Directory,
        user: u32,
        presence: &PreferredPresence,
        lifetime: i64,
        now: i64,
    ) -> i32 {
        number(users.apply(&user, crate::prefer(presence, lifetime), at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn clear_preferred(users: &mut Directory, user: u32, now: i64) -> i32 {
        number(users.apply(&user, ClearPreferred, at(now)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn tick(users: &mut Directory, now: i64) -> i32 {
        users.tick(at(now)).map_or(-1, |(_, outcome)| number(Ok(outcome)))
    }

    #[unsafe(no_mangle)]
    extern "C" fn presence(users: &Directory, user: u32, now: i64) -> i32 {
        users.presence(&user, at(now)) as i32
    }

    #[unsafe(no_mangle)]
    extern "C" fn next_deadline(users: &Directory) -> i64 {
        seconds(users.next_deadline())
    }
}
