//! The pairs of words, which of them are accepted, and the errors.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use presence_core::graph::{ErrorCode, GetPresencesByUserId};
use presence_core::{
    Activity, Availability, CommandError, ExpirationError, PreferredPresence, Presence, PresenceError,
    SessionPresence, timestamp,
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

/// S4
const CLAIMS: [Presence; 5] = [
    Presence::Available,
    Presence::InACall,
    Presence::InAConferenceCall,
    Presence::Presenting,
    Presence::Away,
];

/// U1
const PREFERRED: [Presence; 6] = [
    Presence::Available,
    Presence::Busy,
    Presence::DoNotDisturb,
    Presence::BeRightBack,
    Presence::Away,
    Presence::OffWork,
];

/// S4, U1: each of the 9 x 17 pairs, as a presence, as a claim and as a preference.
#[test]
fn every_pair_is_accepted_if_the_table_says_so() {
    for first in AVAILABILITIES {
        for second in ACTIVITIES {
            let (availability, activity) = (first.parse().unwrap(), second.parse().unwrap());
            let pair = (availability, activity);
            let row = PAIRS.iter().find(|row| (row.1, row.2) == (first, second));

            let rejected = |accepted| PresenceError::NotAccepted { availability, activity, accepted };
            let presence = row.map(|row| row.0).ok_or(rejected(Presence::ALL));
            let claim = row.and_then(|row| row.3).ok_or(rejected(&CLAIMS));
            let preferred = row.and_then(|row| row.4).ok_or(rejected(&PREFERRED));
            assert_eq!(Presence::try_from(pair), presence);
            assert_eq!(SessionPresence::try_from(pair), claim);
            assert_eq!(PreferredPresence::try_from(pair), preferred);

            let text = format!("{first}/{second}");
            assert_eq!(text.parse(), presence, "{text}");
            assert_eq!(text.parse(), claim, "{text}");
            assert_eq!(text.parse(), preferred, "{text}");
        }
    }
}

/// S4, U1: the three types name the same pair.
#[test]
fn every_presence_is_its_pair() {
    for (presence, availability, activity, claim, preferred) in PAIRS {
        assert_eq!(presence.availability().as_str(), availability);
        assert_eq!(presence.activity().as_str(), activity);
        let pair = format!("{availability}/{activity}");
        assert_is_text_form(presence, presence.as_str(), &pair);

        assert_eq!(SessionPresence::try_from(presence).ok(), claim);
        if let Some(claim) = claim {
            assert_eq!((claim.presence(), Presence::from(claim)), (presence, presence));
            assert_is_text_form(claim, claim.as_str(), &pair);
        }
        assert_eq!(PreferredPresence::try_from(presence).ok(), preferred);
        if let Some(preferred) = preferred {
            assert_eq!((preferred.presence(), Presence::from(preferred)), (presence, presence));
            assert_is_text_form(preferred, preferred.as_str(), &pair);
        }
    }
}

/// Checks `as_str`, `Display` with and without a width, and `FromStr`.
fn assert_is_text_form<T>(value: T, as_str: &str, text: &str)
where
    T: Copy + PartialEq + Debug + Display + FromStr<Err = PresenceError>,
{
    assert_eq!(as_str, text);
    assert_eq!((value.to_string(), format!("{value:>32}")), (text.to_owned(), format!("{text:>32}")));
    assert_eq!(text.parse(), Ok(value), "{text}");
}

/// Two known words with one slash between them. The error says which word is unknown.
#[test]
fn every_other_text_is_no_pair() {
    let rows = [
        ("", PresenceError::UnknownAvailability),
        ("/", PresenceError::UnknownAvailability),
        ("Busy", PresenceError::UnknownActivity),
        ("Busy/", PresenceError::UnknownActivity),
        ("/InACall", PresenceError::UnknownAvailability),
        ("/Busy/InACall", PresenceError::UnknownAvailability),
        ("Busy/InACall/", PresenceError::UnknownActivity),
        ("Busy/InACall/InACall", PresenceError::UnknownActivity),
        ("Busy//InACall", PresenceError::UnknownActivity),
        ("Busy\\InACall", PresenceError::UnknownAvailability),
        ("Busy InACall", PresenceError::UnknownAvailability),
        ("Busy, InACall", PresenceError::UnknownAvailability),
        ("BusyInACall", PresenceError::UnknownAvailability),
        (" Busy/InACall", PresenceError::UnknownAvailability),
        ("Busy/InACall ", PresenceError::UnknownActivity),
        ("Busy / InACall", PresenceError::UnknownAvailability),
        ("Busy/InACall\n", PresenceError::UnknownActivity),
        ("Busy/InACall\0", PresenceError::UnknownActivity),
        ("Busy\u{2215}InACall", PresenceError::UnknownAvailability),
        ("\u{feff}Busy/InACall", PresenceError::UnknownAvailability),
        ("InACall/Busy", PresenceError::UnknownAvailability),
        ("Busy/Lunch", PresenceError::UnknownActivity),
        ("Lunch/Busy", PresenceError::UnknownAvailability),
        (r#"{"availability":"Busy","activity":"InACall"}"#, PresenceError::UnknownAvailability),
    ];
    for (text, error) in rows {
        assert_eq!(text.parse::<Presence>(), Err(error), "{text:?}");
        assert_eq!(text.parse::<SessionPresence>(), Err(error), "{text:?}");
        assert_eq!(text.parse::<PreferredPresence>(), Err(error), "{text:?}");
    }
}

/// S4, U1: every row of the table once.
#[test]
fn the_lists_are_complete() {
    let presences: BTreeSet<_> = PAIRS.iter().map(|row| row.0).collect();
    assert!(presences.iter().eq(Presence::ALL));
    let claims: Vec<_> = PAIRS.iter().filter_map(|row| row.3).collect();
    assert_eq!(claims, SessionPresence::ALL);
    let preferred: Vec<_> = PAIRS.iter().filter_map(|row| row.4).collect();
    assert_eq!(preferred, PreferredPresence::ALL);
    assert_eq!(Presence::default(), Presence::Offline);
}

/// W1: what is written.
#[test]
fn words_are_written_in_one_spelling() {
    assert_eq!(Availability::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), AVAILABILITIES);
    assert_eq!(Activity::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(), ACTIVITIES);
    assert!(Availability::ALL.is_sorted() && Activity::ALL.is_sorted());
    for word in Availability::ALL {
        assert_eq!((word.as_str().parse(), word.to_string().parse()), (Ok(*word), Ok(*word)));
    }
    for word in Activity::ALL {
        assert_eq!((word.as_str().parse(), word.to_string().parse()), (Ok(*word), Ok(*word)));
    }
}

/// S4, U1: an unknown word is not a pair that is rejected, but another error.
#[test]
fn every_other_spelling_is_unknown() {
    assert_no_other_spelling::<Availability>(&AVAILABILITIES);
    assert_no_other_spelling::<Activity>(&ACTIVITIES);
}

fn assert_no_other_spelling<T: FromStr>(words: &[&str]) {
    let misspell = |word: &str| {
        let (first, rest) = word.split_at(1);
        [
            format!(" {word}"),
            format!("{word} "),
            format!("{word}\0"),
            format!("{word}{word}"),
            format!("{first}\u{200b}{rest}"),
            rest.to_owned(),
            String::new(),
        ]
    };
    let of_both_kinds = AVAILABILITIES.into_iter().chain(ACTIVITIES).map(str::to_owned);
    for text in words.iter().copied().flat_map(misspell).chain(of_both_kinds) {
        assert_eq!(text.parse::<T>().is_ok(), words.contains(&text.as_str()), "{text:?}");
    }
}

/// The texts are part of the interface.
#[test]
fn errors_say_what_was_expected() {
    let pair = (Availability::Busy, Activity::InAMeeting);
    let rows: [(Box<dyn Error>, &str); 13] = [
        (
            Box::new(CommandError::SessionNotFound),
            "session not found: it was never set, was cleared, or has expired",
        ),
        (Box::new(CommandError::TooManySessions), "too many sessions, expected at most 128 live ones"),
        (
            Box::new("".parse::<Availability>().unwrap_err()),
            "unknown availability, expected a word such as Available, Busy or Away",
        ),
        (
            Box::new("".parse::<Activity>().unwrap_err()),
            "unknown activity, expected a word such as Available, InACall or Away",
        ),
        (
            Box::new(Presence::try_from(pair).unwrap_err()),
            "invalid presence Busy/InAMeeting, expected Offline/Offline, Offline/OffWork, Away/Away, \
             BeRightBack/BeRightBack, Available/AvailableInactive, Available/Available, Busy/Busy, \
             Busy/InACall, Busy/InAConferenceCall, DoNotDisturb/DoNotDisturb or DoNotDisturb/Presenting",
        ),
        (
            Box::new(SessionPresence::try_from(pair).unwrap_err()),
            "invalid presence Busy/InAMeeting, expected Available/Available, Busy/InACall, \
             Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away",
        ),
        (
            Box::new(SessionPresence::try_from(Presence::Busy).unwrap_err()),
            "invalid presence Busy/Busy, expected Available/Available, Busy/InACall, \
             Busy/InAConferenceCall, DoNotDisturb/Presenting or Away/Away",
        ),
        (
            Box::new(PreferredPresence::try_from(pair).unwrap_err()),
            "invalid presence Busy/InAMeeting, expected Available/Available, Busy/Busy, \
             DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork",
        ),
        (
            Box::new(PreferredPresence::try_from(Presence::InACall).unwrap_err()),
            "invalid presence Busy/InACall, expected Available/Available, Busy/Busy, \
             DoNotDisturb/DoNotDisturb, BeRightBack/BeRightBack, Away/Away or Offline/OffWork",
        ),
        (
            Box::new(ExpirationError::Malformed),
            "invalid duration, expected one such as PT1H30M or P1D: days are the largest unit",
        ),
        (Box::new(ExpirationError::OutOfRange), "The provided [ExpirationDuration] is out of range."),
        (
            Box::new(timestamp::parse("").unwrap_err()),
            "invalid timestamp, expected one such as 2026-11-20T09:00:00Z",
        ),
        (
            Box::new(GetPresencesByUserId::new(vec![0; 651]).unwrap_err()),
            "too many [Ids], expected at most 650",
        ),
    ];
    for (error, text) in rows {
        assert_eq!(error.to_string(), text);
        assert!(error.source().is_none(), "{text}");
    }
}

/// The lists in the errors name every pair that is accepted, and no other.
#[test]
fn errors_about_pairs_list_what_is_accepted() {
    let listed = |error: PresenceError| {
        let text = error.to_string();
        let (_, list) = text.split_once(", expected ").unwrap();
        list.replace(" or ", ", ").split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let claims: Vec<_> = SessionPresence::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(listed(SessionPresence::try_from(Presence::Busy).unwrap_err()), claims);
    let preferred: Vec<_> = PreferredPresence::ALL.iter().map(ToString::to_string).collect();
    assert_eq!(listed(PreferredPresence::try_from(Presence::InACall).unwrap_err()), preferred);
    let presences: Vec<_> = Presence::ALL.iter().map(ToString::to_string).collect();
    let pair = (Availability::Busy, Activity::InAMeeting);
    assert_eq!(listed(Presence::try_from(pair).unwrap_err()), presences);
}

/// S11 and the limit of sessions are the two that are not 400.
#[test]
fn errors_have_a_code_and_a_status() {
    let pair = (Availability::Busy, Activity::InAMeeting);
    let presence = Presence::try_from(pair).unwrap_err();
    let claim = SessionPresence::try_from(pair).unwrap_err();
    let preferred = PreferredPresence::try_from(pair).unwrap_err();
    let availability = "".parse::<Availability>().unwrap_err();
    let activity = "".parse::<Activity>().unwrap_err();
    let timestamp = timestamp::parse("").unwrap_err();
    let ids = GetPresencesByUserId::new(vec![0; 651]).unwrap_err();
    let (not_found, too_many) = (CommandError::SessionNotFound, CommandError::TooManySessions);
    let (malformed, out_of_range) = (ExpirationError::Malformed, ExpirationError::OutOfRange);
    let text = PresenceError::UnknownActivity;
    let rows = [
        (text.code(), text.status(), "InvalidArgument", 400),
        (presence.code(), presence.status(), "InvalidArgument", 400),
        (claim.code(), claim.status(), "InvalidArgument", 400),
        (preferred.code(), preferred.status(), "InvalidArgument", 400),
        (availability.code(), availability.status(), "InvalidArgument", 400),
        (activity.code(), activity.status(), "InvalidArgument", 400),
        (timestamp.code(), timestamp.status(), "InvalidArgument", 400),
        (ids.code(), ids.status(), "InvalidArgument", 400),
        (malformed.code(), malformed.status(), "InvalidArgument", 400),
        (out_of_range.code(), out_of_range.status(), "InvalidArgument", 400),
        (not_found.code(), not_found.status(), "NotFound", 404),
        (too_many.code(), too_many.status(), "Forbidden", 403),
    ];
    for (code, status, word, number) in rows {
        assert_eq!((code.as_str(), code.to_string().as_str()), (word, word));
        assert_eq!((code.status(), status), (number, number), "{word}");
    }
    assert_eq!(not_found.code(), ErrorCode::NotFound);
}
