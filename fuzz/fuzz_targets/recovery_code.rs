#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ezncrypt::fuzzing::recovery_code::run(bytes));
