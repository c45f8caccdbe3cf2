use presence_core::{PresenceDirectory, SessionPresence};

use crate::Size;
use crate::harness::{Clock, Row, consume, float, live_bytes};
use crate::ids::{Id, UserId};
use crate::population::{Population, Visit, count};
use crate::variant::{Naive, Variant};

/// Counts the bytes of a directory that has grown.
pub(crate) fn memory<U: UserId, S: Id>(visits: &[Visit<U>], size: &Size) -> Row {
    Row::default()
        .text("op", "memory")
        .number("users", f64::from(size.users))
        .number("bytes_per_user", bytes_per_user(visits, PresenceDirectory::<U, S>::new))
        .goal("bytes_per_user", size.goal(160.0))
        .number("naive_bytes_per_user", bytes_per_user(visits, Naive::<U, S>::new))
}

/// Returns the bytes that are held after all users have arrived and half of them were refreshed.
pub(crate) fn bytes_per_user<U: UserId, S: Id, V: Variant<U, S>>(
    visits: &[Visit<U>],
    new: impl FnOnce() -> V,
) -> f64 {
    let before = live_bytes();
    let mut users = new();
    let mut clock = Clock::new();
    Population::TWO.arrive(count(visits), &mut clock, &mut users);
    for (visit, now) in visits.iter().step_by(2).zip(clock.batch(visits.len())) {
        consume(users.set(visit.request(1, SessionPresence::InACall, now)));
    }
    float(live_bytes() - before) / f64::from(count(visits))
}
