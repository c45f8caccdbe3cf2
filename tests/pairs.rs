//! The pairs of words, who accepts which, and how a refusal is worded.

use std::error::Error;
use std::fmt::Debug;
use std::str::FromStr;

use presence_core::{
    Activity, ActivityError, Availability, AvailabilityError, CommandError, ErrorCode, ExpirationError,
    PreferredPresence, PreferredPresenceError, Presence, PresenceError, SessionPresence,
    SessionPresenceError, rfc3339,
};

const AVAILABILITIES: [&str; 9] = [
    "Available",
    "AvailableIdle",
    "Away",
    "BeRightBack",
    "Busy",
    "BusyIdle",
    "DoNotDisturb",
    "Offline",
    "PresenceUnknown",
];

const ACTIVITIES: [&str; 17] = [
    "Available",
    "AvailableInactive",
    "Away",
    "BeRightBack",
    "Busy",
    "DoNotDisturb",
    "Focusing",
    "InACall",
    "InAConferenceCall",
    "Inactive",
    "InAMeeting",
    "Offline",
    "OffWork",
    "OutOfOffice",
    "PresenceUnknown",
    "Presenting",
    "UrgentInterruptionsOnly",
];

type Row = (Presence, &'static str, &'static str, Option<SessionPresence>, Option<PreferredPresence>);

#[rustfmt::skip]
const PAIRS: [Row; 11] = [
    (Presence::Available,         "Available",    "Available",         Some(SessionPresence::Available),         Some(PreferredPresence::Available)),
    (Presence::AvailableInactive, "Available",    "AvailableInactive", None,                                     None),
    (Presence::Busy,              "Busy",         "Busy",              None,                                     Some(PreferredPresence::Busy)),
    (Presence::InACall,           "Busy",         "InACall",           Some(SessionPresence::InACall),           None),
    (Presence::InAConferenceCall, "Busy",         "InAConferenceCall", Some(SessionPresence::InAConferenceCall), None),
    (Presence::DoNotDisturb,      "DoNotDisturb", "DoNotDisturb",      None,                                     Some(PreferredPresence::DoNotDisturb)),
    (Presence::Presenting,        "DoNotDisturb", "Presenting",        Some(SessionPresence::Presenting),        None),
    (Presence::BeRightBack,       "BeRightBack",  "BeRightBack",       None,                                     Some(PreferredPresence::BeRightBack)),
    (Presence::Away,              "Away",         "Away",              Some(SessionPresence::Away),              Some(PreferredPresence::Away)),
    (Presence::OffWork,           "Offline",      "OffWork",           None,                                     Some(PreferredPresence::OffWork)),
    (Presence::Offline,           "Offline",      "Offline",           None,                                     None),
];

/// S4, U1: each of the 9 x 17 pairs, as a presence, as a claim and as a preference.
#[test]
fn every_pair_is_accepted_where_the_table_says_and_nowhere_else() {
    for first in AVAILABILITIES {
        for second in ACTIVITIES {
            let pair: (Availability, Activity) = (first.parse().unwrap(), second.parse().unwrap());
            let row = PAIRS.iter().find(|row| (row.1, row.2) == (first, second));

            let presence =
                Presence::try_from(pair).map_err(|error| (error.availability, error.activity));
            assert_eq!(presence, row.map(|row| row.0).ok_or(pair));
            let claim =
                SessionPresence::try_from(pair).map_err(|error| (error.availability, error.activity));
            assert_eq!(claim, row.and_then(|row| row.3).ok_or(pair));
            let preferred =
                PreferredPresence::try_from(pair).map_err(|error| (error.availability, error.activity));
            assert_eq!(preferred, row.and_then(|row| row.4).ok_or(pair));
        }
    }
}

/// S4, U1: the same by way of the presence, and back.
#[test]
fn every_presence_is_its_pair() {
    for (presence, availability, activity, claim, preferred) in PAIRS {
        assert_eq!(presence.availability().as_str(), availability);
        assert_eq!(presence.activity().as_str(), activity);
        let pair = format!("{availability}/{activity}");
        assert_eq!(
            (presence.to_string(), format!("{presence:>32}")),
            (pair.clone(), format!("{pair:>32}"))
        );
        assert_eq!(SessionPresence::try_from(presence).ok(), claim);
        assert_eq!(PreferredPresence::try_from(presence).ok(), preferred);
        assert!(claim.is_none_or(|claim| Presence::from(claim) == presence));
        assert!(preferred.is_none_or(|preferred| Presence::from(preferred) == presence));
    }
}

/// S4, U1: none is missing from the lists, and none is there twice.
#[test]
fn the_lists_are_complete() {
    assert!(PAIRS.iter().all(|row| Presence::ALL.contains(&row.0)));
    let claims: Vec<_> = PAIRS.iter().filter_map(|row| row.3).collect();
    assert_eq!(claims, SessionPresence::ALL);
    let preferred: Vec<_> = PAIRS.iter().filter_map(|row| row.4).collect();
    assert_eq!(preferred, PreferredPresence::ALL);
    assert_eq!(Presence::default(), Presence::Offline);
}

/// S4, U1: spelling is exact.
#[test]
fn words_are_read_and_written_in_one_spelling() {
    assert_eq!(Availability::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), AVAILABILITIES);
    assert_eq!(Activity::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), ACTIVITIES);
    for word in Availability::ALL {
        assert_eq!((word.as_str().parse(), word.to_string().parse()), (Ok(*word), Ok(*word)));
    }
    for word in Activity::ALL {
        assert_eq!((word.as_str().parse(), word.to_string().parse()), (Ok(*word), Ok(*word)));
    }
}

/// S4, U1: an unknown word is another error than a pair that is not accepted.
#[test]
fn every_other_spelling_is_unknown() {
    only_spelled::<Availability>(&AVAILABILITIES);
    only_spelled::<Activity>(&ACTIVITIES);
}

fn only_spelled<T: FromStr>(words: &[&str]) {
    let misspell = |word: &str| {
        let (first, rest) = word.split_at(1);
        [
            word.to_lowercase(),
            word.to_uppercase(),
            format!("{}{rest}", first.to_lowercase()),
            format!(" {word}"),
            format!("{word} "),
            format!("{word}\0"),
            format!("{word}{word}"),
            format!("{first}\u{200b}{rest}"),
            rest.to_owned(),
            String::new(),
        ]
    };
    let strangers = AVAILABILITIES.into_iter().chain(ACTIVITIES).map(str::to_owned);
    for text in words.iter().copied().flat_map(misspell).chain(strangers) {
        assert_eq!(text.parse::<T>().is_ok(), words.contains(&text.as_str()), "{text:?}");
    }
}

/// The errors' table: texts are part of the interface.
#[test]
fn errors_say_what_was_wrong() {
    let pair = (Availability::Busy, Activity::InAMeeting);
    let rows: [(Box<dyn Error>, &str); 11] = [
        (Box::new(CommandError::SessionNotFound), "the session does not exist or has expired"),
        (
            Box::new(CommandError::TooManySessions),
            "the user has 128 live sessions, and no more are allowed",
        ),
        (Box::new(refusal::<AvailabilityError>(Availability::from_str(""))), "unknown availability"),
        (Box::new(refusal::<ActivityError>(Activity::from_str(""))), "unknown activity"),
        (
            Box::new(refusal::<PresenceError>(Presence::try_from(pair))),
            "Busy/InAMeeting is not a presence that this machine can reach",
        ),
        (
            Box::new(refusal::<SessionPresenceError>(SessionPresence::try_from(pair))),
            "a session cannot be set to Busy/InAMeeting, only to Available/Available, Busy/InACall, \
             Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away",
        ),
        (
            Box::new(refusal::<SessionPresenceError>(SessionPresence::try_from(Presence::Busy))),
            "a session cannot be set to Busy/Busy, only to Available/Available, Busy/InACall, \
             Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away",
        ),
        (
            Box::new(refusal::<PreferredPresenceError>(PreferredPresence::try_from(pair))),
            "Busy/InAMeeting cannot be preferred, only Available/Available, Busy/Busy, \
             DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork",
        ),
        (
            Box::new(ExpirationError::Malformed),
            "malformed [ExpirationDuration], want one like PT1H30M or P1D",
        ),
        (Box::new(ExpirationError::OutOfRange), "The provided [ExpirationDuration] is out of range."),
        (
            Box::new(rfc3339::parse("").unwrap_err()),
            "malformed instant, want one like 2026-11-20T09:00:00Z",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none(), "{text}");
    }
}

/// The errors' table; S11 and the limit of sessions are the two that are not 400.
#[test]
fn errors_have_a_code_and_a_status() {
    let pair = (Availability::Busy, Activity::InAMeeting);
    let presence = refusal::<PresenceError>(Presence::try_from(pair));
    let claim = refusal::<SessionPresenceError>(SessionPresence::try_from(pair));
    let preferred = refusal::<PreferredPresenceError>(PreferredPresence::try_from(pair));
    let availability = refusal::<AvailabilityError>(Availability::from_str(""));
    let activity = refusal::<ActivityError>(Activity::from_str(""));
    let instant = rfc3339::parse("").unwrap_err();
    let (missing, crowded) = (CommandError::SessionNotFound, CommandError::TooManySessions);
    let (malformed, beyond) = (ExpirationError::Malformed, ExpirationError::OutOfRange);
    let rows = [
        (presence.code(), presence.status(), "InvalidArgument", 400),
        (claim.code(), claim.status(), "InvalidArgument", 400),
        (preferred.code(), preferred.status(), "InvalidArgument", 400),
        (availability.code(), availability.status(), "InvalidArgument", 400),
        (activity.code(), activity.status(), "InvalidArgument", 400),
        (instant.code(), instant.status(), "InvalidArgument", 400),
        (malformed.code(), malformed.status(), "InvalidArgument", 400),
        (beyond.code(), beyond.status(), "InvalidArgument", 400),
        (missing.code(), missing.status(), "NotFound", 404),
        (crowded.code(), crowded.status(), "Forbidden", 403),
    ];
    for (code, status, word, number) in rows {
        assert_eq!((code.as_str(), code.to_string().as_str()), (word, word));
        assert_eq!((code.status(), status), (number, number), "{word}");
    }
    assert_eq!(missing.code(), ErrorCode::NotFound);
}

fn refusal<E>(answer: Result<impl Debug, E>) -> E {
    match answer {
        Ok(accepted) => panic!("accepted: {accepted:?}"),
        Err(refused) => refused,
    }
}
