"""What can be booked: the calendar's arithmetic, pure, for reading, booking, proposing and confirming alike.

    zones     wall clock and instants: what a time of day means on a night when the clocks change
    rules     availability, services, policies, busy times, as plain values
    search    open_times, slots, fits, objections, first_available, by_day

A package of its own at the root, as policies/ and forms/ are, and for their reason: services, workers, tests and
benchmarks all ask it, and it asks nobody. It imports nothing but the standard library, reads no clock, no environment
and no settings, and holds no state but a cache of time zones, so it may be called from any thread. Use cases with
records and transactions belong to the feature's files in the layers (services/slots.py, models/slots.py).

Instants are whole minutes since 1970-01-01T00:00Z (`zones.minute` and `zones.moment` convert); intervals are half-open
pairs of them, so what ends at 10:00 and what begins at 10:00 do not touch each other.
"""
