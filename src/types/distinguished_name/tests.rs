use super::*;

fn name(text: &str) -> DistinguishedName {
    DistinguishedName::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> InvalidDistinguishedName {
    DistinguishedName::parse(text).unwrap_err()
}

fn encoded(oid: &str, tag: u8, content: &[u8]) -> EncodedAttribute {
    EncodedAttribute { oid: oid.to_owned(), tag, content: content.to_vec() }
}

/// REG-BR4: text after an OID and both kinds of encoded string are one value.
#[test]
fn the_published_values_of_brazil_are_read() {
    const ORGANISATION: &str = "OFBBR-67c57882-043b-11ec-9a03-0242ac130003";
    let hex =
        "2A4F464242522D36376335373838322D303433622D313165632D396130332D303234326163313330303033";
    for (text, attribute, expected) in [
        (format!("2.5.4.97=#0C{hex}"), "2.5.4.97", ORGANISATION),
        (format!("2.5.4.97=#13{hex}"), "organizationIdentifier", ORGANISATION),
        (format!("2.5.4.97=#13{}", hex.to_lowercase()), "2.5.4.97", ORGANISATION),
        ("1.3.6.1.4.1.311.60.2.1.3=#13024252".to_owned(), "jurisdictionCountryName", "BR"),
        ("2.5.4.5=#130e3133333533323336303030313839".to_owned(), "serialNumber", "13353236000189"),
        (
            "2.5.4.15=#0C0F427573696E65737320456E74697479".to_owned(),
            "businessCategory",
            "Business Entity",
        ),
    ] {
        assert_eq!(name(&text).values(attribute), [expected], "{text}");
    }
    let printable = name(&format!("2.5.4.97=#13{hex}"));
    assert!(printable.matches(&name(&format!("2.5.4.97=#0c{hex}"))));
    assert!(printable.matches(&name(&format!("2.5.4.97={ORGANISATION}"))));
    assert_eq!(printable.to_string(), format!("2.5.4.97=#13{}", hex.to_lowercase()));
}

/// REG-BR2, REG-BR5: the whole name of a transport certificate.
#[test]
fn a_transport_certificate_of_brazil_is_named_in_reverse_order() {
    let der = DistinguishedName::from_encoded(vec![
        vec![encoded("2.5.4.6", 0x13, b"BR")],
        vec![encoded("2.5.4.10", 0x0c, b"Banco Exemplo S.A.")],
        vec![encoded("2.5.4.97", 0x0c, b"OFBBR-1")],
        vec![encoded("0.9.2342.19200300.100.1.1", 0x0c, b"software-1")],
        vec![encoded("2.5.4.3", 0x0c, b"banco.example")],
    ])
    .unwrap();
    let text = "CN=banco.example,UID=software-1,2.5.4.97=#0c074f464242522d31,\
                O=Banco Exemplo S.A.,C=BR";
    assert_eq!(der.to_string(), text);
    assert!(der.matches(&name(text)));
    assert!(name(text).matches(&der));
    assert!(der.matches(&name(
        "cn=Banco.Example, uid=SOFTWARE-1, 2.5.4.97=ofbbr-1, o=banco  exemplo s.a., c=br"
    )));
    assert_eq!(der.values("uid"), ["software-1"]);
    let reordered = "UID=software-1,CN=banco.example,2.5.4.97=OFBBR-1,O=Banco Exemplo S.A.,C=BR";
    assert!(!der.matches(&name(reordered)), "RFC 4517 §4.2.15: the order counts");
}

/// REG-BR2: "anything else: reject".
#[test]
fn only_the_short_names_of_the_standard_are_read() {
    for known in ["CN", "L", "ST", "O", "OU", "C", "STREET", "DC", "UID", "cn", "uId"] {
        assert_eq!(name(&format!("{known}=x")).values(known), ["x"]);
    }
    for unknown in ["organizationIdentifier", "serialNumber", "emailAddress", "E", "OID.2.5.4.3"] {
        assert_eq!(
            refused(&format!("{unknown}=x")),
            InvalidDistinguishedName::UnknownAttribute,
            "{unknown}"
        );
    }
}

#[test]
fn the_examples_of_the_standard_are_read() {
    let values = |text, attribute| {
        name(text).values(attribute).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(values("UID=jsmith,DC=example,DC=net", "DC"), ["net", "example"]);
    assert_eq!(values("OU=Sales+CN=J.  Smith,DC=example,DC=net", "CN"), ["J.  Smith"]);
    assert_eq!(
        values(r#"CN=James \"Jim\" Smith\, III,DC=example,DC=net"#, "CN"),
        [r#"James "Jim" Smith, III"#]
    );
    assert_eq!(
        refused(r"CN=Before\0dAfter,DC=example,DC=net"),
        InvalidDistinguishedName::ControlCharacter
    );
    assert_eq!(values("CN=Lu\\C4\\8Di\\C4\\87", "CN"), ["Lučić"]);
    assert_eq!(values("CN= \\ x\\ ", "CN"), [" x "]);
}

#[test]
fn what_is_written_is_read_back() {
    for text in [
        "CN=a,O=b,C=BR",
        "OU=a+CN=b,DC=c",
        r"CN=\#a\, \+ \; \< \> \\ \ ",
        r"CN=\ a\ ",
        "2.5.4.97=#0c0161",
        "CN=Lučić",
    ] {
        assert_eq!(name(text).to_string(), text);
    }
    let long = format!("2.5.4.97={}", "x".repeat(300));
    let written = name(&long).to_string();
    assert!(written.starts_with("2.5.4.97=#0c82012c7878"), "{written}");
    assert!(name(&written).matches(&name(&long)));
    assert_eq!(serde_json::json!(name("CN=a")), "CN=a");
    assert!(serde_json::from_str::<DistinguishedName>(r#""CN""#).is_err());
}

#[test]
fn a_malformed_name_is_refused() {
    use InvalidDistinguishedName as Invalid;
    for (text, expected) in [
        ("", Invalid::Empty),
        ("  ", Invalid::Empty),
        ("CN", Invalid::Malformed),
        ("=a", Invalid::Malformed),
        ("CN=", Invalid::Malformed),
        ("CN=  ", Invalid::Malformed),
        ("CN=a,", Invalid::Malformed),
        ("CN=a,,O=b", Invalid::Malformed),
        ("CN=a+", Invalid::Malformed),
        ("CN=a;O=b", Invalid::Malformed),
        ("CN=\"a\"", Invalid::Malformed),
        ("CN=<a>", Invalid::Malformed),
        ("CN=a\\", Invalid::Malformed),
        ("CN=a\\g0", Invalid::Malformed),
        ("CN=a\\4", Invalid::Malformed),
        ("CN=\\ff", Invalid::Malformed),
        ("C N=a", Invalid::Malformed),
        ("2.5.04.3=a", Invalid::UnknownAttribute),
        ("2.=a", Invalid::UnknownAttribute),
        ("CN=#", Invalid::NotAString),
        ("CN=#0", Invalid::NotAString),
        ("CN=#0c", Invalid::NotAString),
        ("CN=#0c026", Invalid::NotAString),
        ("CN=#0c0261", Invalid::NotAString),
        ("CN=#0c016161", Invalid::NotAString),
        ("CN=#0c810161", Invalid::NotAString),
        ("CN=#0c8061", Invalid::NotAString),
        ("CN=#0c01ff", Invalid::NotAString),
        ("CN=#0201ff", Invalid::NotAString),
        ("CN=#0c0+61", Invalid::NotAString),
        ("CN=#0cffffffffffffffffff", Invalid::NotAString),
        ("CN=a\0", Invalid::ControlCharacter),
        ("CN=a\nO=b", Invalid::ControlCharacter),
        ("CN=a\\00.example", Invalid::ControlCharacter),
        ("CN=#0c0100", Invalid::ControlCharacter),
    ] {
        assert_eq!(refused(text), expected, "{text:?}");
    }
}

#[test]
fn a_name_has_bounds() {
    let text = |length: usize| format!("CN={}", "x".repeat(length));
    assert!(DistinguishedName::parse(&text(LONGEST_VALUES)).is_ok());
    for length in [LONGEST_VALUES + 1, LONGEST_TEXT, 10_240] {
        assert_eq!(refused(&text(length)), InvalidDistinguishedName::TooLong);
    }
    let many = |count| vec!["C=x"; count].join(",");
    assert!(DistinguishedName::parse(&many(MOST_ATTRIBUTES)).is_ok());
    assert_eq!(refused(&many(MOST_ATTRIBUTES + 1)), InvalidDistinguishedName::TooLong);
    let der =
        DistinguishedName::from_encoded(vec![vec![encoded("2.5.4.3", 0x0c, &[b'x'; 10_240])]]);
    assert_eq!(der.unwrap_err(), InvalidDistinguishedName::TooLong);
}

/// RFC 4517 §4.2.11, RFC 4518 §2.
#[test]
fn values_are_compared_without_case_and_insignificant_spaces() {
    let same = |a: &str, b: &str| name(&format!("CN={a}")).matches(&name(&format!("CN={b}")));
    assert!(same("Ada  Lovelace", "ada lovelace"));
    assert!(same("\\ ada\\ ", "ADA"));
    assert!(same("ＡＤＡ", "ada"), "NFKC");
    assert!(same("Straße", "STRASSE"), "case folding");
    assert!(same("e\u{301}", "É"));
    assert!(!same("ada", "a da"));
    assert!(!same("ada", "аda"), "a Cyrillic letter is another letter");
    assert!(!same("\u{e000}", "\u{e000}"), "RFC 4518 §2.4: what is prohibited matches nothing");
}

#[test]
fn the_kind_of_string_does_not_count() {
    let of = |tag, content: &[u8]| {
        DistinguishedName::from_encoded(vec![vec![encoded("2.5.4.3", tag, content)]]).unwrap()
    };
    for (tag, content) in [
        (0x0c, b"Ab".as_slice()),
        (0x13, b"ab"),
        (0x14, b"ab"),
        (0x16, b"aB"),
        (0x1e, b"\0A\0b"),
        (0x1c, b"\0\0\0A\0\0\0b"),
    ] {
        assert!(of(tag, content).matches(&name("CN=ab")), "{tag:#x}");
    }
    // What is no string equals only itself, and is written as it is encoded.
    let bits = of(0x03, b"\0\x01");
    assert!(bits.matches(&bits.clone()) && !bits.matches(&of(0x03, b"\0\x02")));
    assert!(!bits.matches(&name("CN=a")) && !name("CN=a").matches(&bits));
    assert_eq!(bits.to_string(), "CN=#03020001");
    assert_eq!(bits.values("CN"), Vec::<&str>::new());
    for (tag, content) in [(0x1e, b"\0".as_slice()), (0x1e, b"\xd8\0"), (0x1c, b"\0\x11\0\0")] {
        assert_eq!(of(tag, content).values("CN"), Vec::<&str>::new());
    }
}

#[test]
fn attributes_of_one_relative_name_have_no_order() {
    assert!(name("CN=a+OU=b,C=BR").matches(&name("OU=b+CN=a,C=BR")));
    for other in ["CN=a,OU=b,C=BR", "CN=a+OU=c,C=BR", "CN=a,C=BR", "CN=a+CN=a,C=BR", "C=BR"] {
        assert!(!name("CN=a+OU=b,C=BR").matches(&name(other)), "{other}");
        assert!(!name(other).matches(&name("CN=a+OU=b,C=BR")), "{other}");
    }
}

/// REG-UK6.
#[test]
fn a_part_that_no_renewal_changes_is_found() {
    let whole = name("CN=a,OU=b,2.5.4.97=PSDGB-FCA-1,C=GB");
    assert!(whole.includes(&name("2.5.4.97=psdgb-fca-1")));
    assert!(whole.includes(&name("C=GB,CN=A")));
    assert!(!whole.includes(&name("2.5.4.97=PSDGB-FCA-1,CN=c")));
    assert!(!whole.includes(&name("OU=a")));
}

#[test]
fn an_empty_name_matches_nothing() {
    let empty = DistinguishedName::from_encoded(Vec::new()).unwrap();
    let hollow = DistinguishedName::from_encoded(vec![Vec::new()]).unwrap();
    let whole = name("CN=a");
    assert!(empty.is_empty() && hollow.is_empty() && !whole.is_empty());
    for nothing in [&empty, &hollow] {
        assert!(!nothing.matches(nothing));
        assert!(
            !whole.includes(nothing) && !nothing.includes(&whole) && !nothing.includes(nothing)
        );
        assert_eq!(nothing.to_string(), "");
    }
}
