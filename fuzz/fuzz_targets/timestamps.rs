//! Texts of timestamps, against a second description of their form and of the calendar.
//!
//! The input is one text a line. Its first 12 bytes are also a timestamp: seconds since 1970 and
//! nanoseconds. Its first 8 bytes are also nanoseconds since 1970.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presence_core::{Timestamp, timestamp};

const SECOND: i128 = 1_000_000_000;
const DAY: i128 = 86_400 * SECOND;

/// The days from the first day of the year 0 to the first day of 1970.
const DAYS_TO_1970: i128 = 719_528;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(texts) = str::from_utf8(bytes) {
        let parsed = texts.lines().filter_map(check_text);
        let parsed: Vec<_> = parsed.filter(|(text, _)| text.ends_with('Z') && !text.contains('t')).collect();
        for (text, at) in &parsed {
            for (other, other_at) in parsed.iter().filter(|(other, _)| other.len() == text.len()) {
                assert_eq!(text.cmp(other), at.cmp(other_at), "the order of {text} and {other}");
            }
        }
    }
    if let Some((first, rest)) = bytes.split_first_chunk() {
        let first = i64::from_le_bytes(*first);
        check_timestamp(Timestamp::from_nanoseconds(first.into()).unwrap());
        if let Some((nanoseconds, _)) = rest.split_first_chunk()
            && let Ok(at) = Timestamp::new(first, u32::from_le_bytes(*nanoseconds))
        {
            check_timestamp(at);
        }
    }
});

/// Compares whether a text is accepted and what it means. Returns it if it is accepted.
fn check_text(text: &str) -> Option<(&str, Timestamp)> {
    let parsed = timestamp::parse(text).ok();
    // After the year 9999 it saturates.
    let expected = nanoseconds(text.as_bytes()).map(|at| at.min(Timestamp::MAX.as_nanoseconds()));
    assert_eq!(parsed.map(Timestamp::as_nanoseconds), expected, "{text:?}");

    let json = serde_json::to_string(text).unwrap();
    let read = timestamp::deserialize(&mut serde_json::Deserializer::from_str(&json));
    assert_eq!(read.ok(), parsed, "{text:?} in JSON");

    let at = parsed?;
    check_timestamp(at);
    Some((text, at))
}

/// Reads the text of a timestamp back.
fn check_timestamp(at: Timestamp) {
    let text = timestamp::display(at).to_string();
    assert_eq!(timestamp::parse(&text), Ok(nearest(at)), "{text}");
    assert_eq!(nanoseconds(text.as_bytes()), Some(nearest(at).as_nanoseconds()), "{text}");
    let fraction = text.strip_suffix('Z').unwrap().split_once('.').map(|(_, fraction)| fraction);
    assert!(fraction.is_none_or(|fraction| !fraction.is_empty() && !fraction.ends_with('0')), "{text}");
}

/// Returns the nearest timestamp within 64 bits of nanoseconds.
fn nearest(at: Timestamp) -> Timestamp {
    let nanoseconds = at.as_nanoseconds().clamp(i64::MIN.into(), i64::MAX.into());
    Timestamp::from_nanoseconds(nanoseconds).unwrap()
}

/// Returns the nanoseconds from 1970 to a timestamp, `None` if the text is not one.
fn nanoseconds(text: &[u8]) -> Option<i128> {
    let (whole, rest) = text.split_at_checked(19)?;
    let is_in_form = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        b'T' => byte.eq_ignore_ascii_case(&b'T'),
        other => byte == other,
    };
    if !whole.iter().zip(b"0000-00-00T00:00:00").all(is_in_form) {
        return None;
    }
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (str::from_utf8(&rest[..digits]).ok().filter(|digits| !digits.is_empty())?, &rest[digits..])
        }
        rest => ("", rest),
    };
    let offset = match *rest {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), a @ b'0'..=b'2', b @ b'0'..=b'9', b':', c @ b'0'..=b'5', d @ b'0'..=b'9'] => {
            let [a, b, c, d] = [a, b, c, d].map(|digit| i128::from(digit - b'0'));
            let minutes = (10 * a + b) * 60 + 10 * c + d;
            if minutes >= 24 * 60 {
                return None;
            }
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let fraction: i128 = format!("{fraction:0<9}")[..9].parse().unwrap();

    let number =
        |from: usize, to: usize| str::from_utf8(&whole[from..to]).unwrap().parse::<i128>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let months = [31, 28 + i128::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let earlier_months = usize::try_from(month - 1).ok().filter(|earlier| *earlier < 12)?;
    if !(1..=months[earlier_months]).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }

    let leap_years = (year + 3) / 4 - (year + 99) / 100 + (year + 399) / 400;
    let days = 365 * year + leap_years + months[..earlier_months].iter().sum::<i128>() + day - 1;
    let seconds = (hour * 60 + minute - offset) * 60 + second;
    Some((days - DAYS_TO_1970) * DAY + seconds * SECOND + fraction)
}
