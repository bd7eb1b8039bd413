// A device profile written out as a name, so that a study can carry the constants of a machine and give the same
// modelled seconds on every other one.
//
//   calibrated/43.0/1.09/38.0/0.48/4.0
//              │    │    │    │    └ P, blocks in flight before throughput stops growing
//              │    │    └────┴───── writes: s in µs, t in ns per byte
//              └────┴─────────────── reads:  s in µs, t in ns per byte

extension DeviceProfile {
  private static let calibratedPrefix = "calibrated/"

  /// The name under which `named` gives these constants back, rounded to three decimals.
  public var spelling: String {
    let numbers = [
      readSetupSeconds * 1e6, readSecondsPerByte * 1e9, writeSetupSeconds * 1e6, writeSecondsPerByte * 1e9,
      parallelism,
    ]
    return Self.calibratedPrefix + numbers.map(Self.threeDecimals).joined(separator: "/")
  }

  /// The profile a written-out name stands for; nil when it is no such name, or a number is missing or not positive.
  public init?(calibratedName name: String) {
    guard name.hasPrefix(Self.calibratedPrefix) else { return nil }
    let numbers = name.dropFirst(Self.calibratedPrefix.count)
      .split(separator: "/", omittingEmptySubsequences: false).map { Double(String($0)) }
    let values = numbers.compactMap { $0 }
    guard numbers.count == 5, values.count == 5, values.allSatisfy({ $0 > 0 && $0 < 1e9 }) else { return nil }
    self.init(
      name: name, readSetupSeconds: values[0] * 1e-6, readSecondsPerByte: values[1] * 1e-9,
      writeSetupSeconds: values[2] * 1e-6, writeSecondsPerByte: values[3] * 1e-9, parallelism: values[4],
      blockByteCount: 4096, source: "Constants written in the study, measured by `betula doctor --calibrate`."
    )
  }

  private static func threeDecimals(_ value: Double) -> String {
    let thousandths = Int(value * 1000 + 0.5)
    let rest = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
  }
}
