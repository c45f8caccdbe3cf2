//! The text form of timestamps.

mod common;

use common::{deterministic, nanosecond};
use presence_core::{SignedDuration, Timestamp, TimestampError, timestamp};
use proptest::prelude::*;

/// T6: the values come from another calendar.
#[test]
fn timestamps_are_parsed_exactly() {
    let rows = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("1969-12-31T23:59:59Z", -1_000_000_000),
        ("2000-02-29T12:00:00Z", 951_825_600_000_000_000),
        ("2026-11-20T09:00:00Z", 1_795_165_200_000_000_000),
        ("2026-11-20T09:00:00.25Z", 1_795_165_200_250_000_000),
        ("2026-11-20T09:00:00.250000000Z", 1_795_165_200_250_000_000),
        ("2026-11-20T23:59:59.1Z", 1_795_219_199_100_000_000),
        ("1677-09-21T00:12:43.145224192Z", i128::from(i64::MIN)),
        ("2262-04-11T23:47:16.854775807Z", i128::from(i64::MAX)),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000_000),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ("9999-12-31T23:59:59.999999999Z", 253_402_300_799_999_999_999),
    ];
    for (text, nanoseconds) in rows {
        assert_eq!(timestamp::parse(text).map(Timestamp::as_nanoseconds), Ok(nanoseconds), "{text}");
    }
}

/// As Python and databases write them, and as any of the others that RFC 3339 allows.
#[test]
fn a_timestamp_is_parsed_with_any_offset() {
    let nine = nanosecond(1_795_165_200_000_000_000);
    let texts = [
        "2026-11-20T09:00:00+00:00",
        "2026-11-20T09:00:00-00:00",
        "2026-11-20T10:00:00+01:00",
        "2026-11-20T08:30:00-00:30",
        "2026-11-20T14:45:00+05:45",
        "2026-11-21T08:59:00+23:59",
        "2026-11-19T09:01:00-23:59",
        "2026-11-20t09:00:00z",
        "2026-11-20T09:00:00z",
        "2026-11-20t09:00:00Z",
        "2026-11-20T09:00:00.0000000+00:00",
        "2026-11-20T09:00:00.00000000000000000000Z",
        "2026-11-20t10:00:00.000000000999+01:00",
    ];
    for text in texts {
        assert_eq!(timestamp::parse(text), Ok(nine), "{text}");
    }
    // The seven digits of .NET, more than nine, and the day that an offset changes.
    let rows = [
        ("2026-11-20T09:00:00.1234567Z", 1_795_165_200_123_456_700),
        ("2026-11-20T09:00:00.1234567899Z", 1_795_165_200_123_456_789),
        ("2026-11-20T09:00:00.99999999999999999999+00:00", 1_795_165_200_999_999_999),
        ("2027-01-01T00:30:00+01:00", 1_798_759_800_000_000_000),
        ("2024-02-28T23:30:00-00:30", 1_709_164_800_000_000_000),
        ("1970-01-01T00:00:00.5+00:01", -59_500_000_000),
    ];
    for (text, nanoseconds) in rows {
        assert_eq!(timestamp::parse(text), Ok(nanosecond(nanoseconds)), "{text}");
    }
}

/// T6: an offset that leads to the years before 0000 or after 9999, and at the ends of the range.
#[test]
fn an_offset_at_the_ends_of_the_range_is_exact_or_saturates() {
    let rows = [
        ("2262-04-12T00:47:16.854775807+01:00", "2262-04-11T23:47:16.854775807Z"),
        ("2262-04-11T23:47:16.854775807-00:01", "2262-04-11T23:47:16.854775807Z"),
        ("2262-04-11T23:48:16.854775806+00:01", "2262-04-11T23:47:16.854775806Z"),
        ("1677-09-20T23:12:43.145224192-01:00", "1677-09-21T00:12:43.145224192Z"),
        ("1677-09-21T00:12:43.145224192+00:01", "1677-09-21T00:12:43.145224192Z"),
        ("0000-01-01T00:00:00+23:59", "1677-09-21T00:12:43.145224192Z"),
        ("9999-12-31T23:59:59.999999999-23:59", "2262-04-11T23:47:16.854775807Z"),
    ];
    for (text, displayed) in rows {
        assert_eq!(timestamp::display(timestamp::parse(text).unwrap()).to_string(), displayed, "{text}");
    }
}

/// Neither a part that is missing nor one of another standard.
#[test]
fn every_other_form_is_rejected() {
    let texts = [
        "",
        "Z",
        "2026",
        "2026-11-20",
        "2026-11-20Z",
        "2026-11-20T09:00Z",
        "2026-11-20T09:00:00",
        "2026-11-20T09:00:0Z",
        "2026-11-20 09:00:00Z",
        "2026-11-20T09:00:00+00:00Z",
        "2026-11-20T09:00:00 Z",
        "2026-11-20T09:00:00 +01:00",
        "2026-11-20T09:00:00+1:00",
        "2026-11-20T09:00:00+01",
        "2026-11-20T09:00:00+0100",
        "2026-11-20T09:00:00+01:0",
        "2026-11-20T09:00:00+01:000",
        "2026-11-20T09:00:00+01:00:00",
        "2026-11-20T09:00:00+01:00Z",
        "2026-11-20T09:00:00+24:00",
        "2026-11-20T09:00:00-24:00",
        "2026-11-20T09:00:00+00:60",
        "2026-11-20T09:00:00+-1:00",
        "2026-11-20T09:00:00++1:00",
        "2026-11-20T09:00:00+",
        "2026-11-20T09:00:00-",
        "2026-11-20T09:00:00.+01:00",
        "2026-11-20T09:00:00.5",
        "2026-11-20T09:00:00.5e1Z",
        "2026-11-20T09:00:00\u{2212}01:00",
        "2026-11-20T09:00:00+\u{661}1:00",
        "2026-11-20T09:00+01:00",
        "2026-11-20T09:00:60+01:00",
        " 2026-11-20T09:00:00Z",
        "2026-11-20T09:00:00Z ",
        "2026-11-20T09:00:00ZZ",
        "2026-11-20T09:00:00Z\0",
        "2026-11-20T09:00:00.Z",
        "2026-11-20T09:00:00,5Z",
        "2026-11-20T09:00:00..5Z",
        "2026-11-20T09:00:00.5.5Z",
        "2026-11-20T09:00:00.-5Z",
        "2026-11-20T09:00:00.+5Z",
        "2026-11-20T09:00:00.\u{661}Z",
        "2026-11-20T09:00:0\u{661}Z",
        "2026-11-20T09:00:00\u{200b}Z",
        "\u{feff}2026-11-20T09:00:00Z",
        "\u{661}\u{661}26-11-20T09:00:00Z",
        "20\u{20ac}-11-20T09:00:00Z",
        "26-11-20T09:00:00Z",
        "02026-11-20T09:00:00Z",
        "+2026-11-20T09:00:00Z",
        "-2026-11-20T09:00:00Z",
        "+026-11-20T09:00:00Z",
        "2026-+1-20T09:00:00Z",
        "2026-1-20T09:00:00Z",
        "2026-11-2T09:00:00Z",
        "2026-11-20T9:00:00Z",
        "2026/11/20T09:00:00Z",
        "2026-11-20T09-00-00Z",
        "20261120T090000Z",
        "2026-324T09:00:00Z",
        "2026-W47-5T09:00:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T09:60:00Z",
        "2026-11-20T09:00:60Z",
        "2016-12-31T23:59:60Z",
        "2026-11-20T99:99:99Z",
    ];
    let expected = Err("invalid timestamp, expected one such as 2026-11-20T09:00:00Z".to_owned());
    for text in texts {
        assert_eq!(timestamp::parse(text).map_err(|error| error.to_string()), expected, "{text:?}");
    }
}

/// Every pair of digits as month and as day, in leap years and in others.
#[test]
fn only_days_of_the_calendar_are_accepted() {
    let years = [(2023, 28), (2024, 29), (1900, 28), (2000, 29), (2100, 28), (0, 29), (9999, 28)];
    for (year, february) in years {
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for month in 0..100 {
            for day in 0..100 {
                let text = format!("{year:04}-{month:02}-{day:02}T00:00:00Z");
                let length = (1..).zip(lengths).find(|(number, _)| *number == month);
                let exists = length.is_some_and(|(_, length)| (1..=length).contains(&day));
                let expected = exists.then(|| days_since_1970(year, month, day) * 86_400);
                assert_eq!(timestamp::parse(&text).ok().map(Timestamp::as_seconds), expected, "{text}");
            }
        }
    }
}

/// Every pair of digits as hour, minute and second.
#[test]
fn only_times_of_the_day_are_accepted() {
    for number in 0..100 {
        let rows = [
            (format!("1970-01-01T{number:02}:00:00Z"), 24, 3600),
            (format!("1970-01-01T00:{number:02}:00Z"), 60, 60),
            (format!("1970-01-01T00:00:{number:02}Z"), 60, 1),
        ];
        for (text, below, unit) in rows {
            let expected = (number < below).then_some(number * unit);
            assert_eq!(timestamp::parse(&text).ok().map(Timestamp::as_seconds), expected, "{text}");
        }
    }
}

/// Only digits of the fraction may be missing, and only the two letters have another case.
#[test]
fn no_character_can_be_replaced_or_removed() {
    for (valid, fraction, letters) in [
        ("2026-11-20T09:00:00.250Z", 20..23, &[10, 23][..]),
        ("2026-11-20T09:00:00.250+01:00", 20..23, &[10]),
    ] {
        let valid: Vec<char> = valid.chars().collect();
        for index in 0..valid.len() {
            let mut shorter = valid.clone();
            shorter.remove(index);
            let is_parsed = timestamp::parse(&String::from_iter(shorter)).is_ok();
            assert_eq!(is_parsed, fraction.contains(&index), "{index}");
            for other in ['z', 't', ' ', '/', ';', '_', 'O', '\0', '\u{661}', '\u{2212}'] {
                let mut text = valid.clone();
                text[index] = other;
                let is_case = letters.contains(&index) && other.eq_ignore_ascii_case(&valid[index]);
                let is_parsed = timestamp::parse(&String::from_iter(text)).is_ok();
                assert_eq!(is_parsed, is_case, "{other:?} at {index}");
            }
        }
    }
}

/// A timestamp is displayed in one way.
#[test]
fn a_timestamp_is_displayed_without_trailing_zeros() {
    let rows = [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (100_000_000, "1970-01-01T00:00:00.1Z"),
        (120_000_000, "1970-01-01T00:00:00.12Z"),
        (1_020_300_000, "1970-01-01T00:00:01.0203Z"),
        (1_795_165_200_250_000_000, "2026-11-20T09:00:00.25Z"),
        (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
    ];
    for (nanoseconds, text) in rows {
        let display = timestamp::display(nanosecond(nanoseconds));
        assert_eq!((display.to_string(), format!("{display:?}")), (text.to_owned(), text.to_owned()));
    }
}

/// T6: the range is 64 bits of nanoseconds.
#[test]
fn a_timestamp_out_of_range_is_displayed_as_the_nearest_in_range() {
    let (first, last) = (nanosecond(i64::MIN), nanosecond(i64::MAX));
    for before in [first, first - SignedDuration::NANOSECOND, Timestamp::MIN] {
        assert_eq!(timestamp::display(before).to_string(), "1677-09-21T00:12:43.145224192Z");
    }
    for after in [last, last + SignedDuration::NANOSECOND, Timestamp::MAX] {
        assert_eq!(timestamp::display(after).to_string(), "2262-04-11T23:47:16.854775807Z");
    }
}

proptest! {
    #![proptest_config(deterministic())]

    /// T6: over all 64 bits, with the text that the other calendar gives.
    #[test]
    fn a_timestamp_survives_its_text(nanoseconds in any::<i64>()) {
        let at = nanosecond(nanoseconds);
        let text = timestamp::display(at).to_string();
        prop_assert_eq!(timestamp::parse(&text), Ok(at));

        let (date, time) = text.split_once('T').unwrap();
        let date: Vec<i64> = date.split('-').map(|part| part.parse().unwrap()).collect();
        let days = days_since_1970(date[0], date[1], date[2]);
        prop_assert_eq!(days, nanoseconds.div_euclid(86_400_000_000_000));
        let time: Vec<&str> = time.trim_end_matches('Z').split([':', '.']).collect();
        let fraction = format!("{:0<9}", time.get(3).unwrap_or(&""));
        let in_day = time[..3].iter().fold(0, |total, part| total * 60 + part.parse::<i64>().unwrap());
        prop_assert_eq!(
            in_day * 1_000_000_000 + fraction.parse::<i64>().unwrap(),
            nanoseconds.rem_euclid(86_400_000_000_000)
        );
    }

    /// With every offset, also if that leads into another day or year.
    #[test]
    fn an_offset_is_subtracted(nanoseconds in any::<i64>(), minutes in -1439..1440_i64) {
        let ahead = SignedDuration::minutes(minutes);
        let at = nanosecond(nanoseconds);
        let local = at + ahead;
        prop_assume!(timestamp::parse(&timestamp::display(local).to_string()) == Ok(local));
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
        let local = timestamp::display(local).to_string();
        let text = format!("{}{sign}{hours:02}:{minutes:02}", local.trim_end_matches('Z'));
        prop_assert_eq!(timestamp::parse(&text), Ok(at), "{}", text);
    }

    /// Texts of equal precision sort like the timestamps.
    #[test]
    fn texts_without_fractions_sort_like_timestamps(
        one in -9_000_000_000..9_000_000_000_i64, other in -9_000_000_000..9_000_000_000_i64,
    ) {
        let text = |seconds| timestamp::display(Timestamp::from_seconds(seconds).unwrap()).to_string();
        prop_assert_eq!(text(one).cmp(&text(other)), one.cmp(&other));
    }

    /// Without a panic.
    #[test]
    fn any_other_text_is_rejected(text in any::<Vec<char>>()) {
        let result: Result<_, TimestampError> = timestamp::parse(&String::from_iter(text));
        prop_assert!(result.is_err());
    }
}

/// Counts the days of the proleptic Gregorian calendar.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let leap_days = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let is_leap = leap_days(year) != leap_days(year - 1);
    let february = if is_leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months: i64 = lengths.iter().zip(1..month).map(|(length, _)| length).sum();
    (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969) + months + day - 1
}

#[cfg(feature = "std")]
#[test]
fn the_feature_std_reads_the_clock() {
    use std::time::{Duration, SystemTime};

    let before = Timestamp::from(SystemTime::now());
    let now = Timestamp::now();
    let after = Timestamp::from(SystemTime::now());
    assert!(before <= now && now <= after, "{before:?} {now:?} {after:?}");

    let nine = SystemTime::UNIX_EPOCH + Duration::new(1_795_165_200, 250_000_000);
    assert_eq!(timestamp::parse("2026-11-20T09:00:00.25Z"), Ok(nine.into()));
}
