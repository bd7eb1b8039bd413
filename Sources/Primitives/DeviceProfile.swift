// Devices as numbers: what a transfer costs under the affine and PDAM models, from published fits and one measurement.
//
//   affine   cost(x) = s + t·x            s seconds to set up, t seconds per byte; half-bandwidth size s/t
//   PDAM     P blocks of B bytes per step
//
// Invariants
// 1. A profile's name never changes its numbers: records carry the name.
// 2. Every profile says where its numbers come from, and which of them were derived.
//
// Source: Bender et al., "Small Refinements to the DAM Can Have Big Consequences for Data-Structure Design",
// SPAA 2019; ACM TOPC 8(3), 2021, Tables 1 and 2.

/// The cost parameters of one device.
public struct DeviceProfile: Equatable, Sendable {
  /// The name in a study: lower case, hyphens.
  public var name: String
  /// s of a read, in seconds.
  public var readSetupSeconds: Double
  /// t of a read, in seconds per byte.
  public var readSecondsPerByte: Double
  /// s of a write, in seconds.
  public var writeSetupSeconds: Double
  /// t of a write, in seconds per byte.
  public var writeSecondsPerByte: Double
  /// P: how many blocks the device serves at once. Fits are not whole; see `parallelBlockCount`.
  public var parallelism: Double
  /// B of the PDAM model, in bytes.
  public var blockByteCount: Int
  /// Where the numbers come from, a sentence.
  public var source: String

  /// A profile with its own numbers for reads and writes.
  public init(
    name: String, readSetupSeconds: Double, readSecondsPerByte: Double, writeSetupSeconds: Double,
    writeSecondsPerByte: Double, parallelism: Double, blockByteCount: Int, source: String
  ) {
    precondition(readSetupSeconds >= 0 && writeSetupSeconds >= 0, "Setup times are not negative.")
    precondition(readSecondsPerByte >= 0 && writeSecondsPerByte >= 0, "Times per byte are not negative.")
    precondition(parallelism >= 1, "A device serves at least one block at a time.")
    precondition(blockByteCount > 0, "A block has at least one byte.")
    self.name = name
    self.readSetupSeconds = readSetupSeconds
    self.readSecondsPerByte = readSecondsPerByte
    self.writeSetupSeconds = writeSetupSeconds
    self.writeSecondsPerByte = writeSecondsPerByte
    self.parallelism = parallelism
    self.blockByteCount = blockByteCount
    self.source = source
  }

  /// P as a whole number of blocks, rounded to nearest, at least 1.
  public var parallelBlockCount: Int { max(1, Int(parallelism + 0.5)) }

  /// α = t/s of reads, per byte; infinite when there is no setup time.
  public var readAlphaPerByte: Double { readSecondsPerByte / readSetupSeconds }

  /// s/t of reads, in bytes: a transfer of this size runs at half the bandwidth.
  public var readHalfBandwidthByteCount: Double { readSetupSeconds / readSecondsPerByte }

  /// Affine seconds of one read of `byteCount` bytes: s + t·x.
  @inlinable public func readSeconds(byteCount: Int) -> Double {
    readSetupSeconds + readSecondsPerByte * Double(byteCount)
  }

  /// Affine seconds of one write of `byteCount` bytes: s + t·x.
  @inlinable public func writeSeconds(byteCount: Int) -> Double {
    writeSetupSeconds + writeSecondsPerByte * Double(byteCount)
  }
}

extension DeviceProfile {
  /// Every named profile, in a fixed order.
  public static let all: [DeviceProfile] = [
    ssdVirtual,
    hardDisk("hdd-seagate-2006", "250 GB Seagate (2006)", setupSeconds: 0.015, secondsPer4KiB: 0.000033),
    hardDisk("hdd-hitachi-2009", "1 TB Hitachi (2009)", setupSeconds: 0.013, secondsPer4KiB: 0.000041),
    hardDisk("hdd-wd-black-2011", "1 TB WD Black (2011)", setupSeconds: 0.012, secondsPer4KiB: 0.000035),
    hardDisk("hdd-seagate-2012", "2 TB Seagate (2012)", setupSeconds: 0.018, secondsPer4KiB: 0.000021),
    hardDisk("hdd-wd-red-2018", "6 TB WD Red (2018)", setupSeconds: 0.016, secondsPer4KiB: 0.000026),
    solidState(
      "ssd-sandisk-ultra-ii", "SanDisk Ultra II", "ACM TOPC 8(3), 2021", 5.5, mebibytesPerSecond: 240),
    solidState("ssd-samsung-860-evo", "Samsung 860 EVO", "ACM TOPC 8(3), 2021", 4.5, mebibytesPerSecond: 530),
    solidState("ssd-samsung-970-evo", "Samsung 970 EVO", "ACM TOPC 8(3), 2021", 5.4, mebibytesPerSecond: 900),
    solidState(
      "ssd-samsung-980-pro", "Samsung 980 Pro", "ACM TOPC 8(3), 2021", 5.6, mebibytesPerSecond: 2_300),
    solidState("ssd-samsung-860-pro", "Samsung 860 pro", "SPAA 2019", 3.3, mebibytesPerSecond: 530),
    solidState("ssd-samsung-970-pro", "Samsung 970 pro", "SPAA 2019", 5.5, mebibytesPerSecond: 2_500),
    solidState("ssd-silicon-power-s55", "Silicon Power S55", "SPAA 2019", 2.9, mebibytesPerSecond: 260),
    solidState(
      "ssd-sandisk-ultra-ii-spaa", "SanDisk Ultra II", "SPAA 2019", 4.6, mebibytesPerSecond: 520),
  ]

  /// The virtual SSD of a small cloud machine, reads and writes fitted apart.
  public static let ssdVirtual = DeviceProfile(
    name: "ssd-virtual", readSetupSeconds: 43e-6, readSecondsPerByte: 1.09e-9, writeSetupSeconds: 38e-6,
    writeSecondsPerByte: 0.48e-9, parallelism: 4, blockByteCount: 4_096,
    source:
      "Measured on one virtio disk (fio, O_DIRECT, median of 3): reads s = 43 µs, t = 1.09 ns/B; writes "
      + "s = 33 to 44 µs, t = 0.42 to 0.54 ns/B, middle taken; throughput knee at 3 to 4 outstanding 4 KiB reads."
  )

  /// The profile called `name`, or the reason there is none with the nearest name.
  public static func named(_ name: String) throws(UnknownNameError) -> DeviceProfile {
    for profile in all where profile.name == name { return profile }
    if let calibrated = DeviceProfile(calibratedName: name) { return calibrated }
    throw UnknownNameError(kind: "device profile", name: name, known: all.map(\.name))
  }

  private static func hardDisk(
    _ name: String, _ product: String, setupSeconds: Double, secondsPer4KiB: Double
  ) -> DeviceProfile {
    // The paper fits reads only; a disk head writes at the same cost.
    DeviceProfile(
      name: name, readSetupSeconds: setupSeconds, readSecondsPerByte: secondsPer4KiB / 4_096,
      writeSetupSeconds: setupSeconds, writeSecondsPerByte: secondsPer4KiB / 4_096, parallelism: 1,
      blockByteCount: 4_096,
      source:
        "\(product): s and t (per 4 KiB) of ACM TOPC 8(3), 2021, Table 1; reads were fitted, writes are "
        + "taken equal.")
  }

  private static func solidState(
    _ name: String, _ product: String, _ paper: String, _ parallelism: Double, mebibytesPerSecond: Double
  ) -> DeviceProfile {
    // P blocks of 64 KiB leave in the time of one (a PDAM step): step = P · 64 KiB / saturation. A lone block takes a
    // whole step, of which its own bytes at saturation are t · 64 KiB; the rest is s.
    let secondsPerByte = 1 / (mebibytesPerSecond * 1_048_576)
    let setupSeconds = (parallelism - 1) * 65_536 * secondsPerByte
    return DeviceProfile(
      name: name, readSetupSeconds: setupSeconds, readSecondsPerByte: secondsPerByte,
      writeSetupSeconds: setupSeconds, writeSecondsPerByte: secondsPerByte, parallelism: parallelism,
      blockByteCount: 65_536,
      source:
        "\(product): P and saturation of 64 KiB random reads of \(paper), Table 2; s and t derived so that one "
        + "block alone takes P · 64 KiB / saturation; writes are taken equal.")
  }
}

/// A name that is not known, with the nearest one that is.
public struct UnknownNameError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was to be named: "device profile", "engine", …
  public var kind: String
  /// The name as given.
  public var name: String
  /// Every known name.
  public var known: [String]

  /// An unknown name among known ones.
  public init(kind: String, name: String, known: [String]) {
    self.kind = kind
    self.name = name
    self.known = known
  }

  /// The known name closest to the given one, nil when none is close.
  public var nearest: String? { nearestName(to: name, in: known) }

  /// The sentence for the user.
  public var description: String {
    if let nearest { return "unknown \(kind) '\(name)', did you mean '\(nearest)'?" }
    return "unknown \(kind) '\(name)', known are: \(known.joined(separator: ", "))"
  }
}
