// The calendar: a date as the CMOS clock writes it, as seconds since 1970.
#pragma once

#include <base/types.hpp>

namespace hv::boot {

/// What the CMOS clock's registers hold, before their notation is known.
struct CmosTime {
    u8 second = 0, minute = 0, hour = 0, day = 1, month = 1, year = 0, century = 0;
    bool binary = false;    ///< register B bit 2; otherwise two decimal digits a byte
    bool day_of_24 = true;  ///< register B bit 1; otherwise bit 7 of the hour is afternoon
    constexpr bool operator==(const CmosTime&) const = default;
};

/// Seconds since 1970-01-01 00:00 UTC. Two-digit years without a century are 2000 to 2099.
/// 0 when the registers hold no date.
constexpr u64 unix_time(const CmosTime& time) {
    const auto number = [&](u8 byte) -> u64 {
        return time.binary ? byte : (byte >> 4) * 10u + (byte & 15u);
    };
    const bool afternoon = !time.day_of_24 && (time.hour & 0x80);
    u64 hour = number(time.hour & (time.day_of_24 ? 0xff : 0x7f));
    if (!time.day_of_24)
        hour = hour % 12 + (afternoon ? 12 : 0);
    const u64 century = number(time.century) == 19 || number(time.century) == 20 ||
                                number(time.century) == 21 ? number(time.century) : 20;
    const u64 year = century * 100 + number(time.year);
    const u64 month = number(time.month), day = number(time.day);
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || year < 1970)
        return 0;

    // Days since 1970-01-01, with the year beginning in March so that its last day is the odd one
    const u64 y = month > 2 ? year : year - 1;
    const u64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const u64 days = y * 365 + y / 4 - y / 100 + y / 400 + day_of_year - 719468;
    return ((days * 24 + hour) * 60 + number(time.minute)) * 60 + number(time.second);
}

}  // namespace hv::boot
