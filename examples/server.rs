//! The loop of a presence server: one thread owns the directory, takes requests from a channel, and
//! publishes changes into another.
//!
//! ```text
//! clients ───Request───► serve, which waits ───Change───► watchers
//!    ▲                   for its next deadline
//!    └─────Answer────────┘
//! ```
//!
//! The package `examples/graph-server` is a whole service: HTTP, tokens, a log and many processes.
//!
//! Try `cargo run --features std --example server`.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use presence_core::{
    ClearSession, Command, CommandError, Outcome, PreferredExpiration, PreferredPresence, Presence,
    PresenceDirectory, SessionPresence, SetPreferred, SetSession, SignedDuration, Timestamp,
};

/// The longest wait, which bounds how late the server notices that the clock was set.
const MAX_WAIT: Duration = Duration::from_secs(60);

/// A command for one user, and the channel for its answer.
struct Request {
    user: &'static str,
    command: Command<u64>,
    reply: Sender<Result<Outcome, CommandError>>,
}

/// A change of one user's effective presence.
struct Change {
    user: String,
    presence: Presence,
}

/// Serves until all clients have hung up. The thread owns the directory, so it needs no lock.
fn serve(requests: &Receiver<Request>, changes: &Sender<Change>) {
    let mut users = PresenceDirectory::<String, u64>::new();
    let publish = |user: &str, outcome: Outcome| {
        if let Some(presence) = outcome.changed() {
            // Watchers may have hung up.
            let _ = changes.send(Change { user: user.to_owned(), presence });
        }
    };
    loop {
        let request = requests.recv_timeout(users.timeout(Timestamp::now(), MAX_WAIT));
        // Read after the wait: a timestamp from when the request was sent could be before the last
        // update.
        let now = Timestamp::now();
        while let Some((user, outcome)) = users.tick(now) {
            publish(&user, outcome);
        }
        match request {
            Ok(Request { user, command, reply }) => {
                let answer = users.apply(user, command, now);
                if let Ok(outcome) = answer {
                    publish(user, outcome);
                }
                // The client may have hung up.
                let _ = reply.send(answer);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn main() {
    let (requests, received) = mpsc::channel();
    let (publisher, changes) = mpsc::channel();
    let server = thread::spawn(move || serve(&received, &publisher));

    // A client. The preference lives for a moment, so that a change comes without a command.
    let moment = PreferredExpiration::new(SignedDuration::milliseconds(200)).expect("above zero");
    let focus = SetPreferred::new(PreferredPresence::DoNotDisturb).with_expiration(moment);
    let script: [(&str, Command<u64>); 3] = [
        ("ana", SetSession::new(1, SessionPresence::InACall).into()),
        ("bob", ClearSession::new(1).into()),
        ("ana", focus.into()),
    ];
    for (user, command) in script {
        let (reply, answer) = mpsc::channel();
        requests.send(Request { user, command, reply }).expect("the server runs");
        match answer.recv().expect("the server answers") {
            Ok(_) => println!("{user}: 200"),
            Err(error) => println!("{user}: {} {error}", error.status()),
        }
    }

    // A watcher, until it has seen the change after the preference.
    for Change { user, presence } in changes.iter().take(3) {
        println!("{user} is {presence}");
    }
    drop(requests);
    server.join().expect("the server does not panic");
}
