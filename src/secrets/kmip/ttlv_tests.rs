use super::*;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn only(bytes: &[u8]) -> Item<'_> {
    let mut items = Items::new(bytes);
    let item = items.next().unwrap().unwrap();
    assert!(items.next().unwrap().is_none());
    item
}

/// The examples of the KMIP specification 1.0, section 9.1.2.
#[test]
fn the_examples_of_the_standard_are_read_and_written() {
    let integer = bytes("42 00 20 | 02 | 00 00 00 04 | 00 00 00 08 00 00 00 00");
    assert_eq!(only(&integer).integer(), Ok(8));
    let enumeration = bytes("42 00 20 | 05 | 00 00 00 04 | 00 00 00 FF 00 00 00 00");
    assert_eq!(only(&enumeration).enumeration(), Ok(255));
    let text_item =
        bytes("42 00 20 | 07 | 00 00 00 0B | 48 65 6C 6C 6F 20 57 6F 72 6C 64 00 00 00 00 00");
    assert_eq!(only(&text_item).text(), Ok("Hello World"));
    let byte_string = bytes("42 00 20 | 08 | 00 00 00 03 | 01 02 03 00 00 00 00 00");
    assert_eq!(only(&byte_string).bytes(), Ok(&[1, 2, 3][..]));
    let nested = bytes(
        "42 00 20 | 01 | 00 00 00 20 | 42 00 04 | 05 | 00 00 00 04 | 00 00 00 FE 00 00 00 00 | \
         42 00 05 | 02 | 00 00 00 04 | 00 00 00 FF 00 00 00 00",
    );
    let mut items = only(&nested).items().unwrap();
    assert_eq!(items.need(0x42_0004).unwrap().enumeration(), Ok(254));
    assert_eq!(items.need(0x42_0005).unwrap().integer(), Ok(255));

    let mut out = Zeroizing::new(Vec::new());
    number(&mut out, 0x42_0020, Kind::Integer, 8);
    number(&mut out, 0x42_0020, Kind::Enumeration, 255);
    text(&mut out, 0x42_0020, "Hello World");
    structure(&mut out, 0x42_0020, |out| {
        number(out, 0x42_0004, Kind::Enumeration, 254);
        number(out, 0x42_0005, Kind::Integer, 255);
    });
    assert_eq!(*out, [integer, enumeration, text_item, nested].concat());
}

#[test]
fn what_is_cut_or_of_another_type_or_length_is_said_to_be() {
    let integer = bytes("420020 02 00000004 0000000800000000");
    for length in 1..integer.len() {
        assert_eq!(Items::new(&integer[..length]).next().err(), Some(Malformed::Short));
    }
    let item = only(&integer);
    assert_eq!(item.text(), Err(Malformed::Type(0x42_0020)));
    assert_eq!(item.items().err(), Some(Malformed::Type(0x42_0020)));
    let long = bytes("420020 02 00000008 0000000800000000");
    assert_eq!(only(&long).integer(), Err(Malformed::Value(0x42_0020)));
    let no_text = bytes("420020 07 00000001 FF00000000000000");
    assert_eq!(only(&no_text).text(), Err(Malformed::Value(0x42_0020)));
    let endless = bytes("420020 01 FFFFFFFF");
    assert_eq!(Items::new(&endless).next().err(), Some(Malformed::Short));
}

/// Reads all that there is, however deep.
fn walk(items: Items<'_>) {
    let mut left = vec![items];
    while let Some(mut items) = left.pop() {
        while let Ok(Some(item)) = items.next() {
            let _ = (item.integer(), item.enumeration(), item.text(), item.bytes());
            left.extend(item.items());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        walk(Items::new(&bytes));
    }

    #[test]
    fn any_text_is_read_as_it_was_written(given in ".{0,40}", tag in 0..0x100_0000_u32) {
        let mut out = Zeroizing::new(Vec::new());
        structure(&mut out, 0x42_0078, |out| text(out, tag, &given));
        let inside = only(&out).items().unwrap().need(tag).unwrap();
        prop_assert_eq!(inside.text(), Ok(given.as_str()));
    }
}
