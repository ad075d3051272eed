//! Times as the API writes them: RFC 3339 in UTC with milliseconds.

use kith_proto::time::Timestamp;

/// The last moment that RFC 3339 can write: its years have four digits.
const LAST: u64 = 253_402_300_799_999;

/// `2026-11-21T04:18:00.123Z`; what is later than the year 9999 is its end.
pub fn rfc3339(time: Timestamp) -> String {
    let time = time.0.min(LAST);
    let (days, millis) = (time / 86_400_000, time % 86_400_000);
    let (year, month, day) = civil(days);
    let (secs, millis) = (millis / 1_000, millis % 1_000);
    let (hour, minute, second) = (secs / 3_600, secs / 60 % 60, secs % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The date of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
pub fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_written_as_the_rfc_says() {
        assert_eq!(rfc3339(Timestamp(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(951_782_400_000)), "2000-02-29T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp(1_795_234_680_123)), "2026-11-21T04:18:00.123Z");
        assert_eq!(rfc3339(Timestamp::NEVER), "9999-12-31T23:59:59.999Z");
    }
}
