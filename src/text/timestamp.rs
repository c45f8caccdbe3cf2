use core::fmt;
use core::str::FromStr;

use time::{Date, Month, SignedDuration, Time, Timestamp, UtcDateTime};

use crate::error::TimestampError;
use crate::text::{duration, nanoseconds};

/// Parses a timestamp of RFC 3339, of any year from 0000 to 9999 and with any offset from UTC.
///
/// Digits after the ninth of a fraction are dropped. Outside the years 1677 to 2262 a timestamp counts
/// as the nearest one inside, and [`display`] shows that (rule [T6](crate::docs::rules#T6)).
///
/// # Errors
///
/// [`TimestampError`] if the text has another form, or if its day, time or offset does not exist. There
/// is no second 60.
pub fn parse(text: &str) -> Result<Timestamp, TimestampError> {
    parts(text).ok_or(TimestampError)
}

fn parts(text: &str) -> Option<Timestamp> {
    let mut rest = text;
    let year = number(&mut rest, "", 4)?;
    let month: u8 = number(&mut rest, "-", 2)?;
    let day = number(&mut rest, "-", 2)?;
    rest = rest.strip_prefix(['T', 't'])?;
    let hour = number(&mut rest, "", 2)?;
    let minute = number(&mut rest, ":", 2)?;
    let second = number(&mut rest, ":", 2)?;
    let nanosecond = match rest.strip_prefix('.') {
        Some(fraction) => {
            let (fraction, after) = duration::digits(fraction)?;
            rest = after;
            duration::nanoseconds(fraction)
        }
        None => 0,
    };
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let time = Time::from_hms_nano(hour, minute, second, nanosecond).ok()?;
    let local = Timestamp::from(UtcDateTime::new(date, time));
    Some(local.saturating_sub(offset(rest)?))
}

/// Parses how far a clock is ahead of UTC: `Z`, or hours and minutes with a sign.
fn offset(text: &str) -> Option<SignedDuration> {
    if let "Z" | "z" = text {
        return Some(SignedDuration::ZERO);
    }
    let mut rest = text.strip_prefix(['+', '-'])?;
    let hours: i64 = number(&mut rest, "", 2)?;
    let minutes: i64 = number(&mut rest, ":", 2)?;
    if !rest.is_empty() || hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = SignedDuration::minutes(hours * 60 + minutes);
    Some(if text.starts_with('-') { -ahead } else { ahead })
}

/// Takes a separator and a number of exactly this many digits off the front of the text.
fn number<T: FromStr>(rest: &mut &str, separator: &str, digits: usize) -> Option<T> {
    let (number, after) = rest.strip_prefix(separator)?.split_at_checked(digits)?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    *rest = after;
    number.parse().ok()
}

/// Returns a value that displays a timestamp, without trailing zeros in the fraction.
///
/// A timestamp outside the years 1677 to 2262 displays as the nearest one inside (rule
/// [T6](crate::docs::rules#T6)).
#[must_use]
pub fn display(timestamp: Timestamp) -> Display {
    Display(nanoseconds::to_timestamp(nanoseconds::from_timestamp(timestamp)))
}

/// A timestamp to be displayed, from [`display`].
#[derive(Clone, Copy)]
pub struct Display(Timestamp);

impl fmt::Debug for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Display {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.0.to_calendar_date();
        let (hour, minute, second, nanosecond) = self.0.as_hms_nano();
        let year = u16::try_from(year).map_err(|_| fmt::Error)?;
        let [century, year] = [year / 100, year % 100].map(|part| digits(part.to_le_bytes()[0]));
        let [month, day] = [u8::from(month), day].map(digits);
        let [hour, minute, second] = [hour, minute, second].map(digits);
        let text = [
            century[0], century[1], year[0], year[1], b'-', month[0], month[1], b'-', day[0], day[1],
            b'T', hour[0], hour[1], b':', minute[0], minute[1], b':', second[0], second[1],
        ];
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)?;
        duration::write_fraction(nanosecond, f)?;
        f.write_str("Z")
    }
}

/// Returns the two digits of a number below 100.
const fn digits(number: u8) -> [u8; 2] {
    [b'0' + number / 10, b'0' + number % 10]
}
