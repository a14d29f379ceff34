#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ezncrypt::fuzzing::keystore::run(bytes));
