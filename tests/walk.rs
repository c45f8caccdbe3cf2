//! Every way through a small world, breadth first.

mod common;
mod reference;

use std::collections::HashSet;
use std::thread;

use common::{at, just_after, just_before};
use presence_core::{
    ClearPreferred, ClearSession, Command, CommandError, PreferredPresence, Presence, PresenceModel,
    SessionPresence, SignedDuration, Tick, Timestamp,
};
use reference::histories::{preference, session};
use reference::{InForce, LiveSession, Reference};

/// How many commands the longest way has.
const DEPTH: usize = 3;

/// A user at the end of a way, and the history of the way.
struct Place {
    user: PresenceModel<u8>,
    reference: Reference<u8>,
    now: Timestamp,
}

/// Two sessions with any claim and two lifetimes, two preferences, clearing and ticks, with the clock
/// at a boundary, a nanosecond beside it, or an hour back. Places that differ by a shift in time are
/// one; each step is compared with the reference.
#[test]
fn every_way_through_a_small_world_agrees_with_the_reference() {
    let mut seen = HashSet::from([normalised(&start())]);
    let mut places = vec![start()];
    let mut depths = Vec::new();
    for _ in 0..DEPTH {
        let halves = places.chunks(places.len().div_ceil(2));
        let reached: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = halves.map(|half| scope.spawn(|| expanded(half))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it agrees")).collect()
        });
        let (reached, refused): (Vec<_>, Vec<_>) = reached.into_iter().unzip();
        let steps = places.len() * gaps().len() * commands().len();
        places = reached.into_iter().flatten().filter(|place| seen.insert(normalised(place))).collect();
        depths.push((steps, refused.into_iter().sum::<usize>(), places.len()));
    }
    println!("steps, refused, new states: {depths:?}");
    assert_eq!(depths, [(156, 12, 22), (3_432, 174, 895), (139_620, 4_490, 9_003)]);
}

/// Takes every step from each place: returns where they lead, each place once, and how many steps
/// were refused.
fn expanded(places: &[Place]) -> (Vec<Place>, usize) {
    let (mut seen, mut reached, mut refused) = (HashSet::new(), Vec::new(), 0);
    for place in places {
        for gap in gaps() {
            for command in commands() {
                match step(place, command, place.now + gap) {
                    Ok(place) if seen.insert(normalised(&place)) => reached.push(place),
                    Ok(_) => {}
                    Err(_) => refused += 1,
                }
            }
        }
    }
    (reached, refused)
}

fn start() -> Place {
    Place { user: PresenceModel::new(), reference: Reference::new(), now: at("09:00") }
}

fn step(place: &Place, command: Command<u8>, now: Timestamp) -> Result<Place, CommandError> {
    let (mut user, mut reference) = (place.user.clone(), place.reference.clone());
    match reference.assert_obeys(&mut user, command, now) {
        Ok(_) => Ok(Place { user, reference, now }),
        Err(error) => {
            assert_eq!(user, place.user);
            Err(error)
        }
    }
}

fn gaps() -> Vec<SignedDuration> {
    let five = at("09:05");
    [at("08:00"), at("09:00"), just_before(five), five, just_after(five), at("09:10")]
        .map(|now| now - at("09:00"))
        .to_vec()
}

fn commands() -> Vec<Command<u8>> {
    let mut commands = Vec::new();
    for id in [0, 1] {
        for claim in SessionPresence::ALL {
            for minutes in [5, 12] {
                commands.push(session(id, claim, SignedDuration::minutes(minutes)));
            }
        }
        commands.push(ClearSession::new(id).into());
    }
    commands.push(preference(PreferredPresence::Busy, SignedDuration::minutes(5)));
    commands.push(preference(PreferredPresence::OffWork, SignedDuration::DAY));
    commands.push(ClearPreferred.into());
    commands.push(Tick.into());
    commands
}

/// All that a contact leaves, seen from its instant.
fn normalised(place: &Place) -> (Vec<LiveSession<u8>>, Option<InForce>, Presence) {
    let now = place.now.as_nanoseconds();
    let sessions = place.user.sessions(place.now).map(LiveSession::from).map(|session| LiveSession {
        since: session.since - now,
        expires_at: session.expires_at - now,
        ..session
    });
    let preferred = place.user.preferred(place.now).map(InForce::from).map(|preferred| InForce {
        since: preferred.since - now,
        expires_at: preferred.expires_at - now,
        ..preferred
    });
    (sessions.collect(), preferred, place.user.presence(place.now))
}
