//! Checks whether a finished binary is for the target, before it is offered.

use wombat_model::{Goarch, Goos, Platform};

/// Bytes to check at the beginning.
pub(super) const HEAD: usize = 4096;

/// Whether these first bytes are those of an executable for the platform; the error describes them.
pub(super) fn check(head: &[u8], platform: Platform) -> Result<(), String> {
    let goarch = platform.goarch();
    let fits = match platform.goos() {
        Goos::Linux => is_elf(head, goarch, &[0, 3]),
        Goos::Freebsd => is_elf(head, goarch, &[9]),
        Goos::Darwin => is_mach_o(head, goarch),
        Goos::Windows => is_pe(head, goarch),
    };
    if fits {
        return Ok(());
    }
    let begin: Vec<String> = head
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Err(format!(
        "it isn't an executable for {platform}: it begins with {}",
        begin.join(" ")
    ))
}

fn is_elf(head: &[u8], goarch: Goarch, systems: &[u8]) -> bool {
    let (wide, big_endian, machine) = match goarch {
        Goarch::Amd64 => (true, false, 62),
        Goarch::Arm64 => (true, false, 183),
        Goarch::Arm => (false, false, 40),
        Goarch::I386 => (false, false, 3),
        Goarch::Riscv64 => (true, false, 243),
        Goarch::Ppc64le => (true, false, 21),
        Goarch::S390x => (true, true, 22),
    };
    let Some((begin, rest)) = head.split_first_chunk::<8>() else {
        return false;
    };
    let Some(found) = rest.get(10..12).and_then(|bytes| bytes.try_into().ok()) else {
        return false;
    };
    let found = if big_endian {
        u16::from_be_bytes(found)
    } else {
        u16::from_le_bytes(found)
    };
    begin[..4] == *b"\x7fELF"
        && begin[4] == if wide { 2 } else { 1 }
        && begin[5] == if big_endian { 2 } else { 1 }
        && systems.contains(&begin[7])
        && found == machine
}

fn is_mach_o(head: &[u8], goarch: Goarch) -> bool {
    let processor: u32 = match goarch {
        Goarch::Amd64 => 0x0100_0007,
        Goarch::Arm64 => 0x0100_000c,
        Goarch::Arm | Goarch::I386 | Goarch::Riscv64 | Goarch::Ppc64le | Goarch::S390x => {
            return false;
        }
    };
    head.starts_with(&0xfeed_facf_u32.to_le_bytes())
        && head.get(4..8) == Some(&processor.to_le_bytes()[..])
}

fn is_pe(head: &[u8], goarch: Goarch) -> bool {
    let machine: u16 = match goarch {
        Goarch::Amd64 => 0x8664,
        Goarch::Arm64 => 0xaa64,
        Goarch::Arm | Goarch::I386 | Goarch::Riscv64 | Goarch::Ppc64le | Goarch::S390x => {
            return false;
        }
    };
    let offset = head
        .get(0x3c..0x40)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes);
    let header = offset
        .and_then(|offset| head.get(usize::try_from(offset).ok()?..))
        .unwrap_or_default();
    head.starts_with(b"MZ")
        && header.starts_with(b"PE\0\0")
        && header.get(4..6) == Some(&machine.to_le_bytes()[..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(wide: u8, endian: u8, system: u8, machine: [u8; 2]) -> Vec<u8> {
        let mut head = vec![0; 64];
        head[..8].copy_from_slice(&[0x7f, b'E', b'L', b'F', wide, endian, 1, system]);
        head[18..20].copy_from_slice(&machine);
        head
    }

    fn fits(head: &[u8], platform: &str) -> bool {
        check(head, platform.parse().unwrap()).is_ok()
    }

    #[test]
    fn tells_targets_apart() {
        let amd64 = elf(2, 1, 0, [62, 0]);
        assert!(fits(&amd64, "linux/amd64"));
        for other in [
            "linux/arm64",
            "linux/386",
            "freebsd/amd64",
            "darwin/amd64",
            "windows/amd64",
        ] {
            assert!(!fits(&amd64, other), "{other}");
        }
        assert!(fits(&elf(2, 1, 9, [62, 0]), "freebsd/amd64"));
        assert!(fits(&elf(2, 2, 0, [0, 22]), "linux/s390x"));
        assert!(fits(&elf(1, 1, 0, [40, 0]), "linux/arm"));

        let mut pe = vec![0; 256];
        pe[..2].copy_from_slice(b"MZ");
        pe[0x3c] = 0x80;
        pe[0x80..0x86].copy_from_slice(&[b'P', b'E', 0, 0, 0x64, 0x86]);
        assert!(fits(&pe, "windows/amd64") && !fits(&pe, "windows/arm64"));

        let mach_o = [0xcf, 0xfa, 0xed, 0xfe, 0x0c, 0, 0, 1];
        assert!(fits(&mach_o, "darwin/arm64") && !fits(&mach_o, "darwin/amd64"));
        for text in [&b""[..], b"#!/bin/sh\n", b"MZ", b"\x7fELF"] {
            assert!(!fits(text, "linux/amd64") && !fits(text, "windows/amd64"));
        }
    }
}
