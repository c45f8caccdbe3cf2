//! The text form of lifetimes, checked against a second parser.

mod common;

use common::deterministic;
use presence_core::{ExpirationError, PreferredExpiration, SessionExpiration, SignedDuration};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// A parser of `[-]P[nD][T[nH][nM][n[.n]S]]` that reads one character at a time.
///
/// The crate splits the text and looks for components. This parser never looks ahead, and counts in
/// nanoseconds.
#[derive(Clone, Copy)]
struct Reading {
    negative: bool,
    place: Place,
    /// In nanoseconds, saturating far above the longest lifetime.
    total: i128,
}

#[derive(Clone, Copy)]
enum Place {
    Start,
    Sign,
    /// After `P`, `T` or a component.
    Between {
        in_time: bool,
        /// The smallest unit so far.
        least: i128,
        empty: bool,
    },
    /// In a number.
    Whole {
        in_time: bool,
        least: i128,
        number: i128,
    },
    /// After the decimal point of the seconds.
    Fraction {
        number: i128,
        nanoseconds: i128,
        /// The value of the next digit.
        place_value: i128,
        empty: bool,
    },
}

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

impl Reading {
    const START: Self = Self { negative: false, place: Place::Start, total: 0 };

    /// Reads one more character, or returns `None` if no duration starts like this.
    fn read(self, next: char) -> Option<Self> {
        let digit = next.to_digit(10).map(i128::from);
        let place = match (self.place, next) {
            (Place::Start, '-') => return Some(Self { negative: true, place: Place::Sign, ..self }),
            (Place::Start | Place::Sign, 'P') => {
                Place::Between { in_time: false, least: i128::MAX, empty: true }
            }
            (Place::Between { in_time: false, .. }, 'T') => {
                Place::Between { in_time: true, least: DAY, empty: true }
            }
            (Place::Between { in_time, least, .. }, '0'..='9') => {
                Place::Whole { in_time, least, number: digit? }
            }
            (Place::Whole { in_time, least, number }, '0'..='9') => {
                Place::Whole { in_time, least, number: number.saturating_mul(10).saturating_add(digit?) }
            }
            (Place::Whole { in_time: true, least, number }, '.') if least > SECOND => {
                Place::Fraction { number, nanoseconds: 0, place_value: SECOND / 10, empty: true }
            }
            (Place::Whole { in_time, least, number }, unit) => {
                let unit = match (unit, in_time) {
                    ('D', false) => DAY,
                    ('H', true) => HOUR,
                    ('M', true) => MINUTE,
                    ('S', true) => SECOND,
                    _ => return None,
                };
                return (unit < least).then(|| Self {
                    place: Place::Between { in_time, least: unit, empty: false },
                    total: self.total.saturating_add(number.saturating_mul(unit)),
                    ..self
                });
            }
            (Place::Fraction { number, nanoseconds, place_value, .. }, '0'..='9') => Place::Fraction {
                number,
                nanoseconds: nanoseconds + digit? * place_value,
                place_value: place_value / 10,
                empty: false,
            },
            (Place::Fraction { number, nanoseconds, empty: false, .. }, 'S') => {
                return Some(Self {
                    place: Place::Between { in_time: true, least: SECOND, empty: false },
                    total: self
                        .total
                        .saturating_add(number.saturating_mul(SECOND))
                        .saturating_add(nanoseconds),
                    ..self
                });
            }
            _ => return None,
        };
        Some(Self { place, ..self })
    }

    /// Returns the nanoseconds that were read, or `None` if the text is not complete.
    fn value(self) -> Option<i128> {
        match self.place {
            Place::Between { empty: false, .. } => {
                Some(if self.negative { -self.total } else { self.total })
            }
            _ => None,
        }
    }
}

fn reading(text: &str) -> Option<Reading> {
    text.chars().try_fold(Reading::START, Reading::read)
}

/// S5, U3: checks that both kinds of lifetimes agree with the second parser.
fn check(text: &str, reading: Option<Reading>) {
    let value = reading.and_then(Reading::value).ok_or(ExpirationError::Malformed);
    let within = |range: std::ops::RangeInclusive<i128>| {
        value
            .and_then(|value| range.contains(&value).then_some(value).ok_or(ExpirationError::OutOfRange))
    };
    let preferred = text.parse().map(PreferredExpiration::duration);
    let expected = within(1..=SignedDuration::MAX.whole_nanoseconds());
    assert_eq!(preferred.map(SignedDuration::whole_nanoseconds), expected, "preferred {text:?}");
    let session = text.parse().map(SessionExpiration::duration);
    assert_eq!(
        session.map(SignedDuration::whole_nanoseconds),
        within(5 * MINUTE..=4 * HOUR),
        "session {text:?}"
    );
}

/// Checks every text that consists of a start and up to this many further characters.
fn check_all(start: &str, alphabet: &[char], further: usize) {
    fn go_on(text: &mut String, reading: Option<Reading>, alphabet: &[char], further: usize) -> usize {
        check(text, reading);
        if further == 0 {
            return 1;
        }
        let mut checked = 1;
        for next in alphabet {
            text.push(*next);
            let read = reading.and_then(|reading| reading.read(*next));
            checked += go_on(text, read, alphabet, further - 1);
            text.pop();
        }
        checked
    }
    let mut text = String::from(start);
    let checked = go_on(&mut text, reading(start), alphabet, further);
    let expected: usize =
        (0..=further).map(|length| alphabet.len().pow(u32::try_from(length).unwrap())).sum();
    assert_eq!(checked, expected);
}

/// S5, U3: of the characters of the language.
#[test]
fn every_text_of_up_to_six_characters_is_parsed_like_the_second_parser() {
    check_all("", &['-', 'P', 'D', 'T', 'H', 'M', 'S', '.', '0', '1', '9'], 6);
}

/// S5, U3: longer texts, with the start that every duration has.
#[test]
fn every_short_text_after_p_is_parsed_like_the_second_parser() {
    check_all("P", &['D', 'T', 'H', 'M', 'S', '.', '0', '9'], 7);
    check_all("-P", &['P', 'D', 'T', 'M', 'S', '.', '1', '-'], 5);
    check_all("P9DT", &['H', 'M', 'S', '.', '0', '1'], 6);
}

/// S5, U3: characters that a looser parser accepts.
#[test]
fn every_short_text_with_hostile_characters_is_parsed_like_the_second_parser() {
    let hostile =
        ['P', 'T', 'S', '1', 'p', 't', 's', '+', ' ', '\0', ',', ':', 'Y', 'W', '\u{661}', '\u{ff11}'];
    check_all("", &hostile, 5);
    check_all("PT", &hostile, 4);
}

proptest! {
    #![proptest_config(deterministic())]

    /// S5, U3: long texts, as they are and with one character inserted, removed or replaced.
    #[test]
    fn any_duration_and_any_typo_is_parsed_like_the_second_parser(
        text in duration_text(),
        typo in any::<Index>(),
        with in select(vec!['-', 'P', 'T', 'D', 'S', '.', '7', ' ']),
    ) {
        check(&text, reading(&text));
        let characters: Vec<char> = text.chars().collect();
        let at = typo.index(characters.len());
        for (removed, inserted) in [(0, Some(with)), (1, None), (1, Some(with))] {
            let (before, after) = characters.split_at(at);
            let after = after.iter().skip(removed);
            let text: String = before.iter().copied().chain(inserted).chain(after.copied()).collect();
            check(&text, reading(&text));
        }
    }

    /// U3
    #[test]
    fn a_preferred_lifetime_survives_its_text(
        seconds in 0..=i64::MAX, nanoseconds in 0..1_000_000_000, shift in 0..63_u32,
    ) {
        let lifetime = SignedDuration::new(seconds >> shift, nanoseconds);
        prop_assume!(lifetime.is_positive());
        let expiration = PreferredExpiration::new(lifetime).unwrap();
        prop_assert_eq!(expiration.to_string().parse(), Ok(expiration));
        prop_assert!(is_normalized(&expiration.to_string()), "{}", expiration);
    }

    /// S5
    #[test]
    fn a_session_lifetime_survives_its_text(nanoseconds in 300_000_000_000..=14_400_000_000_000_i64) {
        let expiration = SessionExpiration::new(SignedDuration::nanoseconds(nanoseconds)).unwrap();
        prop_assert_eq!(expiration.to_string().parse(), Ok(expiration));
        prop_assert!(is_normalized(&expiration.to_string()), "{}", expiration);
    }
}

/// Durations of any length.
fn duration_text() -> impl Strategy<Value = String> {
    let digits = || vec(select(('0'..='9').collect::<Vec<_>>()), 1..25).prop_map(String::from_iter);
    let number = || prop_oneof![(0..400_u32).prop_map(|number| number.to_string()), digits()];
    let component = move |unit: &'static str| {
        prop_oneof![Just(String::new()), number().prop_map(move |number| number + unit)]
    };
    let seconds = (number(), proptest::option::of(digits())).prop_map(|(whole, fraction)| {
        fraction.map_or(format!("{whole}S"), |fraction| format!("{whole}.{fraction}S"))
    });
    let time = (component("H"), component("M"), proptest::option::of(seconds))
        .prop_map(|(hours, minutes, seconds)| {
            format!("T{hours}{minutes}{}", seconds.unwrap_or_default())
        })
        .prop_map(|time| if time == "T" { String::new() } else { time });
    (select(vec!["", "", "-"]), component("D"), time)
        .prop_map(|(sign, days, time)| format!("{sign}P{days}{time}"))
}

/// Returns whether a text has carries, no zero components and no trailing zeros.
fn is_normalized(text: &str) -> bool {
    let (days, time) = text.strip_prefix('P').unwrap().split_once('T').unwrap_or((&text[1..], ""));
    let mut parts = days.split_inclusive('D').chain(time.split_inclusive(['H', 'M', 'S']));
    parts.all(|part| {
        let (number, unit) = part.split_at(part.len() - 1);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "1"));
        let below = match unit {
            "D" => u64::MAX,
            "H" => 24,
            _ => 60,
        };
        let is_zero = whole == "0" && !number.contains('.');
        whole.parse::<u64>().unwrap() < below && !is_zero && !fraction.ends_with('0')
    })
}

/// S5, U3: mistakes that people make.
#[test]
fn malformed_durations_are_rejected() {
    let texts = [
        "",
        " ",
        "P",
        "-P",
        "PT",
        "P1DT",
        "-PT",
        "T1H",
        "1H",
        "5",
        "PT5",
        "8:00:00",
        "1.00:00:00",
        "pt1h",
        "PT1h",
        "+PT1H",
        "P+1D",
        "PT+1H",
        "PT-1H",
        "--PT1H",
        " PT1H",
        "PT1H ",
        "PT1H\n",
        "PT 1H",
        "PT1H\0",
        "P1W",
        "P1Y",
        "P1M",
        "P1Y1D",
        "P1M1D",
        "PT1H1H",
        "PT1M1H",
        "PT1S1M",
        "P1D1D",
        "PT1D",
        "P1H",
        "P1S",
        "PT1.5H",
        "PT1.5M",
        "P1.5D",
        "PT.5S",
        "PT1.S",
        "PT.S",
        "PT1,5S",
        "PT1.5.5S",
        "PT1..5S",
        "PT1.5",
        "PTS",
        "PTHMS",
        "PD",
        "P1DT1HT1M",
        "PTT1H",
        "PP1D",
        "PT1HPT1H",
        "PT1e3S",
        "PT0x10S",
        "P\u{661}D",
        "PT\u{ff11}H",
        "P1D\u{200b}",
        "\u{feff}P1D",
        "P1\u{301}D",
        "PT1H30",
        "PT99999999999999999999999999",
    ];
    for text in texts {
        assert_eq!(text.parse::<PreferredExpiration>(), Err(ExpirationError::Malformed), "{text:?}");
        assert_eq!(text.parse::<SessionExpiration>(), Err(ExpirationError::Malformed), "{text:?}");
        check(text, reading(text));
    }
}

/// U3: these are durations, so they are not malformed.
#[test]
fn zero_negative_and_overflowing_durations_are_out_of_range() {
    let long = |digits: usize| "9".repeat(digits);
    let texts = [
        "P0D",
        "PT0S",
        "PT0.0S",
        "-PT0S",
        "P0DT0H0M0S",
        "PT0.0000000009S",
        "-PT1S",
        "-P1D",
        "-PT0.000000001S",
        "PT9223372036854775808S",
        "-PT9223372036854775808S",
        "PT18446744073709551616S",
        "PT153722867280912931M",
        "PT2562047788015216H",
        "P106751991167301D",
    ];
    for text in texts {
        assert_eq!(text.parse::<PreferredExpiration>(), Err(ExpirationError::OutOfRange), "{text:?}");
        check(text, reading(text));
    }
    for text in ["P{}D", "PT{}H", "PT{}M", "PT{}S", "-P{}D", "PT{}.5S"] {
        for digits in [19, 20, 30, 1000] {
            let text = text.replace("{}", &long(digits));
            assert_eq!(
                text.parse::<PreferredExpiration>(),
                Err(ExpirationError::OutOfRange),
                "{text:?}"
            );
        }
    }
    let parts_fit_but_not_their_sum = "P106751991167300DT24H";
    assert_eq!(
        parts_fit_but_not_their_sum.parse::<PreferredExpiration>(),
        Err(ExpirationError::OutOfRange)
    );
    check(parts_fit_but_not_their_sum, reading(parts_fit_but_not_their_sum));
}

/// S5, U3: equal durations with different components are the same lifetime.
#[test]
fn a_lifetime_is_parsed_from_any_of_its_texts() {
    let rows = [
        ("P1D", 86_400, 0),
        ("PT24H", 86_400, 0),
        ("PT1440M", 86_400, 0),
        ("PT86400S", 86_400, 0),
        ("P0DT23H59M60S", 86_400, 0),
        ("P1DT0S", 86_400, 0),
        ("P00000000000000000000000000000001D", 86_400, 0),
        ("PT1H30M", 5_400, 0),
        ("PT90M", 5_400, 0),
        ("PT5M0.5S", 300, 500_000_000),
        ("PT300.500S", 300, 500_000_000),
        ("PT0.000000001S", 0, 1),
        ("PT1.0000000019S", 1, 1),
        ("PT0.9999999999999999999999999999S", 0, 999_999_999),
        ("PT9223372036854775807.9999999999S", i64::MAX, 999_999_999),
        ("P106751991167300DT15H30M7.999999999S", i64::MAX, 999_999_999),
    ];
    for (text, seconds, nanoseconds) in rows {
        let expiration = text.parse().map(PreferredExpiration::duration);
        assert_eq!(expiration, Ok(SignedDuration::new(seconds, nanoseconds)), "{text}");
    }
}

/// S5
#[test]
fn the_limits_of_a_session_are_parsed_exactly() {
    let rows = [
        ("PT4M59S", false),
        ("PT4M59.999999999S", false),
        ("PT4M59.9999999999S", false),
        ("PT5M", true),
        ("PT300S", true),
        ("P0DT0H5M0S", true),
        ("PT5M0.000000001S", true),
        ("PT3H59M59.999999999S", true),
        ("PT4H", true),
        ("PT240M0.0000000009S", true),
        ("PT4H0.000000001S", false),
        ("PT4H0M1S", false),
        ("P1D", false),
        ("-PT5M", false),
    ];
    for (text, accepted) in rows {
        let expiration = text.parse::<SessionExpiration>();
        assert_eq!(expiration.is_ok(), accepted, "{text}");
        assert!(accepted || expiration == Err(ExpirationError::OutOfRange), "{text}");
    }
}

/// S5, U2, U3: a lifetime is displayed in one way.
#[test]
fn a_lifetime_is_displayed_with_carries_and_without_zeros() {
    let rows = [
        ("PT0.000000001S", "PT0.000000001S"),
        ("PT0.010S", "PT0.01S"),
        ("PT300S", "PT5M"),
        ("PT300.5S", "PT5M0.5S"),
        ("PT90M", "PT1H30M"),
        ("PT3600S", "PT1H"),
        ("PT3601S", "PT1H1S"),
        ("PT24H", "P1D"),
        ("PT1440M", "P1D"),
        ("PT86460S", "P1DT1M"),
        ("PT167H60M", "P7D"),
        ("P1DT0.100000000S", "P1DT0.1S"),
        ("P1DT23H59M59.999999999S", "P1DT23H59M59.999999999S"),
        ("PT9223372036854775807.999999999S", "P106751991167300DT15H30M7.999999999S"),
    ];
    for (text, displayed) in rows {
        assert_eq!(text.parse::<PreferredExpiration>().unwrap().to_string(), displayed);
    }
    for (text, displayed) in [("PT300S", "PT5M"), ("PT300.50S", "PT5M0.5S"), ("PT240M", "PT4H")] {
        assert_eq!(text.parse::<SessionExpiration>().unwrap().to_string(), displayed);
    }
}
