//! What the kernel says of time beside the wall clock. Each program has one clock module, which asks here.

/// The kernel's boot id; empty without /proc. An empty one is never taken for the same boot as another record's.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// Milliseconds since boot, suspend included (`CLOCK_BOOTTIME`).
#[must_use]
pub fn since_boot() -> u64 {
    let mut since_boot = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[allow(unsafe_code, reason = "by way of the C library, so that tests can put another clock in its place")]
    // SAFETY: the call only fills the struct that is handed over.
    unsafe {
        libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut since_boot);
    }
    u64::try_from(since_boot.tv_sec).unwrap_or(0) * 1000 + u64::try_from(since_boot.tv_nsec).unwrap_or(0) / 1_000_000
}

/// Does the kernel say that the wall clock follows a time source? adjtimex(2): it clears `STA_UNSYNC` while a time daemon
/// steers its clock.
#[must_use]
pub fn is_synchronised() -> bool {
    #[allow(unsafe_code, reason = "no safe binding; the call only fills the struct that is handed over")]
    // SAFETY: `timex` is plain data for which all zeros is valid, `modes` 0 means that nothing is set.
    let (state, status) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        (libc::adjtimex(&raw mut timex), timex.status)
    };
    state >= 0 && state != libc::TIME_ERROR && status & libc::STA_UNSYNC == 0
}
