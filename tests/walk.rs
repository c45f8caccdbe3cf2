//! Every sequence of commands in a small world, breadth first.

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
use reference::{LivePreference, LiveSession, Reference};

/// The number of commands in the longest sequence.
const DEPTH: usize = 3;

/// A user after a sequence of commands, and their history.
struct State {
    user: PresenceModel<u8>,
    reference: Reference<u8>,
    now: Timestamp,
}

/// Two sessions with any claim and two lifetimes, two preferences, clearing and ticks, with the clock
/// at a boundary, a nanosecond beside it, or an hour back. States that differ only by a shift in time
/// count once. Each step is compared with the reference.
#[test]
fn every_sequence_of_commands_agrees_with_the_reference() {
    let mut seen = HashSet::from([normalized(&start())]);
    let mut states = vec![start()];
    let mut depths = Vec::new();
    for _ in 0..DEPTH {
        let halves = states.chunks(states.len().div_ceil(2));
        let reached: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = halves.map(|half| scope.spawn(|| expand(half))).collect();
            threads.into_iter().map(|thread| thread.join().expect("it agrees")).collect()
        });
        let (reached, rejected): (Vec<_>, Vec<_>) = reached.into_iter().unzip();
        let steps = states.len() * gaps().len() * commands().len();
        states = reached.into_iter().flatten().filter(|state| seen.insert(normalized(state))).collect();
        depths.push((steps, rejected.into_iter().sum::<usize>(), states.len()));
    }
    println!("steps, rejected, new states: {depths:?}");
    assert_eq!(depths, [(156, 12, 22), (3_432, 174, 895), (139_620, 4_490, 9_003)]);
}

/// Takes every step from each state. Returns the states that are reached, each once, and the number of
/// rejected steps.
fn expand(states: &[State]) -> (Vec<State>, usize) {
    let (mut seen, mut reached, mut rejected) = (HashSet::new(), Vec::new(), 0);
    for state in states {
        for gap in gaps() {
            for command in commands() {
                match step(state, command, state.now + gap) {
                    Ok(next) if seen.insert(normalized(&next)) => reached.push(next),
                    Ok(_) => {}
                    Err(_) => rejected += 1,
                }
            }
        }
    }
    (reached, rejected)
}

fn start() -> State {
    State { user: PresenceModel::new(), reference: Reference::new(), now: at("09:00") }
}

fn step(state: &State, command: Command<u8>, now: Timestamp) -> Result<State, CommandError> {
    let (mut user, mut reference) = (state.user.clone(), state.reference.clone());
    match reference.apply_to_both(&mut user, command, now) {
        Ok(_) => Ok(State { user, reference, now }),
        Err(error) => {
            assert_eq!(user, state.user);
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
                commands.push(session(id, *claim, SignedDuration::minutes(minutes)));
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

/// Returns what the last update has left, with times relative to it.
fn normalized(state: &State) -> (Vec<LiveSession<u8>>, Option<LivePreference>, Presence) {
    let now = state.now.as_nanoseconds();
    let sessions = state.user.sessions(state.now).map(LiveSession::from).map(|session| LiveSession {
        since: session.since - now,
        expires_at: session.expires_at - now,
        ..session
    });
    let preferred =
        state.user.preferred(state.now).map(LivePreference::from).map(|preferred| LivePreference {
            since: preferred.since - now,
            expires_at: preferred.expires_at - now,
            ..preferred
        });
    (sessions.collect(), preferred, state.user.presence(state.now))
}
