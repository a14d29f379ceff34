#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ezncrypt::fuzzing::rsa_key::run(bytes));
