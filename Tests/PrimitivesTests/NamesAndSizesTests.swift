// Goal: what people type is read exactly or refused with the reason; device profiles carry the published numbers.
// Method: tables of texts with value or reason, round trips, and the papers' derived columns recomputed.

import Testing

@testable import Primitives

@Suite struct NamesAndSizesTests {
  @Test func sizesParse() throws {
    let cases: [(String, Int)] = [
      ("0", 0), ("4096", 4_096), ("1_000_000", 1_000_000), ("4KiB", 4_096), ("64MiB", 64 << 20),
      ("2 GiB", 2 << 30),
      ("1TiB", 1 << 40), ("1.5KiB", 1_536), ("0.5GiB", 512 << 20), ("1.0B", 1), ("14MiB", 14 << 20),
      ("100B", 100),
      ("1.25MiB", 1_310_720), ("8191TiB", 8_191 << 40), ("2.50KiB", 2_560), ("0.0009765625KiB", 1),
    ]
    for (text, expected) in cases { #expect(try Quantity.parseByteCount(text) == expected, "\(text)") }
  }

  @Test func refusedSizesSayWhy() {
    let cases: [(String, String)] = [
      ("", "missing"), ("MiB", "missing"), ("-4KiB", "negative"), ("4kb", "write KiB"), ("4MB", "write MiB"),
      ("4 mib", "did you mean MiB"), ("4XiB", "none of"), ("1.5", "whole number of bytes"),
      ("0.3KiB", "whole number of bytes"), ("1__0", "between two digits"), ("_1", "between two digits"),
      ("1_KiB", "between two digits"), ("1.2.3KiB", "not a number"), ("99999999999999999999", "64-bit"),
      ("8388608TiB", "64-bit"), ("1..5KiB", "not a number"), (".5KiB", "not a number"),
      ("+5", "not a number"),
      ("0.00000000000000000001B", "digits"),
    ]
    for (text, reason) in cases {
      do {
        let value = try Quantity.parseByteCount(text)
        Issue.record("'\(text)' was read as \(value)")
      } catch {
        #expect(error.reason.contains(reason), "\(error)")
        #expect(error.description.contains("'\(text)'"))
      }
    }
  }

  @Test func sizesRoundTripSeed51() throws {
    #expect(Quantity.formatByteCount(64 << 20) == "64MiB")
    #expect(Quantity.formatByteCount(1_000) == "1000B")
    #expect(Quantity.formatByteCount(0) == "0B")
    #expect(Quantity.formatByteCount(1_536) == "1536B")
    #expect(Quantity.formatByteCount(3 << 40) == "3TiB")
    var random = TestRandom(51)
    for _ in 0..<2_000 {
      let value = Int(random.next() >> (1 + random.next() % 60)) << Int(random.next() % 3 * 10)
      guard value >= 0 else { continue }
      #expect(try Quantity.parseByteCount(Quantity.formatByteCount(value)) == value)
      #expect(try Quantity.parseInteger(Quantity.formatInteger(value)) == value)
    }
  }

  @Test func integersAndReals() throws {
    #expect(try Quantity.parseInteger("1_000_000") == 1_000_000)
    #expect(try Quantity.parseInteger("-17") == -17)
    #expect(Quantity.formatInteger(1_000_000) == "1_000_000")
    #expect(Quantity.formatInteger(-123) == "-123")
    #expect(Quantity.formatInteger(Int.min) == "-9_223_372_036_854_775_808")
    #expect(try Quantity.parseReal("1.5") == 1.5)
    #expect(try Quantity.parseReal("-2e-3") == -0.002)
    #expect(try Quantity.parseReal("1_000") == 1_000)
    for text in ["", "1.5", "12a", "0x10", "99999999999999999999", "1_", "--1"] {
      #expect(throws: QuantityError.self, "\(text)") { try Quantity.parseInteger(text) }
    }
    for text in ["", "inf", "nan", "0x1p3", "1.", ".5", "1e", "1e400", "1,5", "e5"] {
      #expect(throws: QuantityError.self, "\(text)") { try Quantity.parseReal(text) }
    }
  }

  @Test func editDistances() {
    #expect(editDistance("", "") == 0)
    #expect(editDistance("abc", "") == 3)
    #expect(editDistance("", "abc") == 3)
    #expect(editDistance("kitten", "sitting") == 3)
    #expect(editDistance("btree", "btere") == 1)
    #expect(editDistance("page_bytes", "page_byte") == 1)
  }

  @Test func nearestNames() {
    let names = ["page_bytes", "journal_mode", "epsilon", "buffer_bytes"]
    #expect(nearestName(to: "page_byte", in: names) == "page_bytes")
    #expect(nearestName(to: "page-bytes", in: names) == "page_bytes")
    #expect(nearestName(to: "Epsilon", in: names) == "epsilon")
    #expect(nearestName(to: "epsilno", in: names) == "epsilon")
    #expect(nearestName(to: "journal", in: names) == "journal_mode")
    #expect(nearestName(to: "zzzzzzzz", in: names) == nil)
    #expect(nearestName(to: "", in: names) == nil)
    #expect(nearestName(to: "x", in: []) == nil)
  }

  // MARK: Device profiles

  @Test func profileNamesAreDistinctAndStable() {
    let names = DeviceProfile.all.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "-" })
    }
    #expect(names.contains("hdd-wd-black-2011") && names.contains("ssd-virtual"))
  }

  @Test func unknownProfilesNameTheNearest() throws {
    #expect(try DeviceProfile.named("ssd-virtual").readSetupSeconds == 43e-6)
    do {
      let profile = try DeviceProfile.named("ssd-virtul")
      Issue.record("found \(profile.name)")
    } catch {
      #expect(error.nearest == "ssd-virtual")
      #expect(error.description == "unknown device profile 'ssd-virtul', did you mean 'ssd-virtual'?")
    }
  }

  @Test func hardDisksReproduceTheDerivedColumns() throws {
    // TOPC 2021, Table 1: α per 4 KiB to four decimals, half-bandwidth size and bandwidth as computed from s and t.
    let rows: [(String, Double, Double, Double)] = [
      ("hdd-seagate-2006", 0.0022, 1.8, 124), ("hdd-hitachi-2009", 0.0031, 1.2, 100),
      ("hdd-wd-black-2011", 0.0029, 1.3, 117), ("hdd-seagate-2012", 0.0012, 3.4, 195),
      ("hdd-wd-red-2018", 0.0017, 2.4, 158),
    ]
    for (name, alpha, halfMebibytes, bandwidth) in rows {
      let profile = try DeviceProfile.named(name)
      // The paper rounds α up or down inconsistently; one unit in the last printed digit.
      #expect(abs(profile.readAlphaPerByte * 4_096 - alpha) < 1.01e-4, "\(name)")
      #expect(abs(profile.readHalfBandwidthByteCount / 1_048_576 - halfMebibytes) < 0.06, "\(name)")
      #expect(abs(1e-6 / profile.readSecondsPerByte - bandwidth) < 1, "\(name)")
      #expect(profile.parallelBlockCount == 1)
    }
  }

  @Test func solidStateDisksServeOneBlockPerStepAndSaturateAtP() throws {
    let profile = try DeviceProfile.named("ssd-samsung-860-evo")
    let step = 4.5 * 65_536 / (530 * 1_048_576)
    #expect(abs(profile.readSeconds(byteCount: 65_536) - step) < 1e-12)
    #expect(profile.parallelBlockCount == 5)
    #expect(profile.blockByteCount == 65_536)
  }
}
