// Time models as a user names them: a kind, and the constants it uses, spelled so that equal names mean equal charges.
//
//   dam B=4KiB      pdam B=4KiB P=4      affine ssd-virtual      profile ssd-virtual P=16      profile s=5ms t=10ns P=4
//
//   kinds × profiles × B × P × s × t ──▶ models, each once: what a kind does not use makes no second one
//
// Invariants
// 1. The order is that of the options: kinds outermost, t innermost. Nothing depends on anything else.
// 2. A model without overridden constants is the one a run with `device.profile` of that name charges under.

import Primitives
import Storage

/// A time model with its name.
public struct ChargeModel: Equatable, Sendable {
  /// Which of the four models.
  public enum Kind: String, CaseIterable, Sendable {
    /// Blocks of B bytes.
    case dam
    /// Every transfer pays s + t · bytes.
    case affine
    /// Steps of P blocks.
    case pdam
    /// A device with P lanes and one bus; a continuation pays no s.
    case profile
  }

  /// Which of the four models.
  public var kind: Kind
  /// The kind and the constants it uses.
  public var name: String
  /// The device profile that constants come from, nil when all that are used were given.
  public var profile: String?
  /// The constants.
  public var constants: TimeModel

  /// What this model says of a charge: the columns it does not know are nil.
  public func cost(_ charge: TimeCharge, transferCount: UInt64) -> ModelCost {
    var cost = ModelCost()
    switch kind {
    case .dam: cost.blockCount = charge.damBlockCount
    case .affine:
      cost.seekCount = transferCount
      cost.seconds = charge.affineSeconds
    case .pdam:
      cost.blockCount = charge.damBlockCount
      cost.stepCount = charge.pdamStepCount
    case .profile:
      cost.seekCount = charge.seekCount
      cost.seconds = charge.deviceSeconds
    }
    return cost
  }
}

/// What one model charges; nil where the model has no such number.
public struct ModelCost: Equatable, Sendable {
  /// Σ ⌈bytes ÷ B⌉.
  public var blockCount: UInt64?
  /// Transfers that paid s.
  public var seekCount: UInt64?
  /// Σ ⌈blocks of a batch ÷ P⌉.
  public var stepCount: UInt64?
  /// Busy seconds of the device.
  public var seconds: Double?

  /// Nothing known.
  public init() {}
}

/// What is asked of a trace: a grid of models.
public struct ChargeGrid: Sendable {
  /// A number of seconds and how it was written.
  public struct Duration: Equatable, Sendable {
    /// Seconds.
    public var seconds: Double
    /// As written: `5ms`.
    public var spelling: String

    /// A duration: digits, perhaps a fraction, then s, ms, us or ns.
    ///
    /// - Throws: what is wrong with the text.
    public init(_ text: String) throws(QuantityError) {
      let units = [("ms", "e-3"), ("us", "e-6"), ("µs", "e-6"), ("ns", "e-9"), ("s", "")]
      guard let unit = units.first(where: { text.hasSuffix($0.0) }) else {
        throw QuantityError(
          text: text, reason: "a duration with a unit is wanted: s, ms, us or ns, such as 5ms")
      }
      let number = text.dropLast(unit.0.count)
      let isPlain = number.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2E }
      // The exponent goes into the text, so that 43us is the double nearest to 0.000043.
      guard isPlain, let first = number.utf8.first, first != 0x2E, let seconds = Double(number + unit.1),
        seconds <= 1e6
      else {
        throw QuantityError(text: text, reason: "a number from 0 to 1,000,000 s is wanted before the unit")
      }
      self.seconds = seconds
      spelling = number + (unit.0 == "µs" ? "us" : unit.0)
    }
  }

  /// The kinds of models, in order.
  public var kinds: [ChargeModel.Kind]
  /// The profiles whose constants are used, at least one.
  public var profiles: [DeviceProfile]
  /// B, in bytes; empty for each profile's own.
  public var blockByteCounts: [Int] = []
  /// P; empty for each profile's own.
  public var parallelBlockCounts: [Int] = []
  /// s of reads and writes; empty for each profile's own.
  public var setups: [Duration] = []
  /// t of reads and writes, seconds per byte; empty for each profile's own.
  public var perBytes: [Duration] = []

  /// The largest P a grid takes: a batch of n transfers costs O(n · P) at worst.
  public static let largestParallelBlockCount = 65_536
  /// The largest B a grid takes, 1 TiB.
  public static let largestBlockByteCount = 1 << 40

  /// A grid of kinds × profiles.
  public init(kinds: [ChargeModel.Kind], profiles: [DeviceProfile]) {
    precondition(!profiles.isEmpty, "A model takes its constants from a profile.")
    self.kinds = kinds
    self.profiles = profiles
  }

  /// The models, each once.
  public var models: [ChargeModel] {
    var models: [ChargeModel] = []
    for kind in kinds {
      for profile in profiles {
        for block in blockByteCounts.isEmpty ? [profile.blockByteCount] : blockByteCounts {
          for parallel in parallelBlockCounts.isEmpty ? [profile.parallelBlockCount] : parallelBlockCounts {
            for setup in Self.optional(setups) {
              for perByte in Self.optional(perBytes) {
                let model = model(kind, profile, block, parallel, setup, perByte)
                if !models.contains(where: { $0.name == model.name }) { models.append(model) }
              }
            }
          }
        }
      }
    }
    return models
  }

  private static func optional(_ durations: [Duration]) -> [Duration?] {
    durations.isEmpty ? [nil] : durations.map { $0 }
  }

  private func model(
    _ kind: ChargeModel.Kind, _ profile: DeviceProfile, _ block: Int, _ parallel: Int, _ setup: Duration?,
    _ perByte: Duration?
  ) -> ChargeModel {
    var constants = TimeModel(profile: profile)
    constants.blockByteCount = block
    constants.parallelBlockCount = parallel
    if let setup {
      (constants.readSetupSeconds, constants.writeSetupSeconds) = (setup.seconds, setup.seconds)
    }
    if let perByte {
      (constants.readSecondsPerByte, constants.writeSecondsPerByte) = (perByte.seconds, perByte.seconds)
    }
    var words = [kind.rawValue]
    let usesTime = kind == .affine || kind == .profile
    let usesProfile = usesTime && (setup == nil || perByte == nil)
    if usesProfile { words.append(profile.name) }
    if usesTime, let setup { words.append("s=\(setup.spelling)") }
    if usesTime, let perByte { words.append("t=\(perByte.spelling)") }
    if kind == .dam || kind == .pdam { words.append("B=\(Quantity.formatByteCount(block))") }
    let isOwnParallelism = usesProfile && parallel == profile.parallelBlockCount
    if kind == .pdam || (kind == .profile && !isOwnParallelism) { words.append("P=\(parallel)") }
    return ChargeModel(
      kind: kind, name: words.joined(separator: " "), profile: usesProfile ? profile.name : nil,
      constants: constants)
  }
}
