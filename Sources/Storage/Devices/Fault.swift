// The script of what goes wrong: which call, and how. A script is data, so that a failing case is one line to keep.
//
//   "fail@12"  "fail@12+ errno=28"  "short@7 transfers=1"  "torn@7 units=3"  "lost-unit@7 unit=3"  "flip@9 bit=1234"  "power@40"
//
// Calls are numbered from 0 in the order in which they reach the fault device; submits and control calls both count.

import Primitives

/// One way to go wrong.
public enum Fault: Equatable, Sendable {
  /// The call does nothing and fails with this system error number (5 is EIO).
  case fail(errno: Int32)
  /// The device is full: a submit with writes does nothing and throws `.noSpace`; reads pass.
  case noSpace
  /// The first transfers of the batch are done, the others not, and the call fails.
  case short(transferCount: Int)
  /// The first units of the batch's writes land, the others not; the call fails, or pretends to have succeeded.
  case torn(unitCount: Int, isSilent: Bool)
  /// A batch's writes, or a control call, do nothing and succeed. A lost sync makes nothing durable.
  case lost
  /// One unit of a batch's writes does not land, the number modulo the units written; the others do, and the call succeeds.
  /// The unit keeps what it held before: an acknowledged write that was dropped.
  case lostUnit(number: UInt64)
  /// The batch's reads return the bytes this many units further on.
  case misdirectedRead(unitCount: Int64)
  /// The batch's writes land this many units further on.
  case misdirectedWrite(unitCount: Int64)
  /// One bit of the batch's reads arrives flipped: bit number modulo the bits read.
  case flippedBit(bit: UInt64)
  /// The power goes during the call: its writes are in flight, the call and all later ones fail.
  case powerLoss
}

/// A fault and the call it happens at.
public struct ScriptedFault: Equatable, Sendable, CustomStringConvertible {
  /// The number of the call, from 0.
  public var call: UInt64
  /// Whether it happens at every later call too.
  public var repeats: Bool
  /// What happens.
  public var fault: Fault

  /// A fault at one call, or from it on.
  public init(at call: UInt64, repeats: Bool = false, _ fault: Fault) {
    self.call = call
    self.repeats = repeats
    self.fault = fault
  }

  /// The one-line form, which `init(parsing:)` reads back.
  public var description: String {
    let place = "@\(call)\(repeats ? "+" : "")"
    switch fault {
    case .fail(let number): return "fail\(place) errno=\(number)"
    case .noSpace: return "full\(place)"
    case .short(let count): return "short\(place) transfers=\(count)"
    case .torn(let count, let isSilent):
      return "\(isSilent ? "torn-silently" : "torn")\(place) units=\(count)"
    case .lost: return "lost\(place)"
    case .lostUnit(let number): return "lost-unit\(place) unit=\(number)"
    case .misdirectedRead(let count): return "misdirected-read\(place) units=\(count)"
    case .misdirectedWrite(let count): return "misdirected-write\(place) units=\(count)"
    case .flippedBit(let bit): return "flip\(place) bit=\(bit)"
    case .powerLoss: return "power\(place)"
    }
  }

  /// Reads the one-line form; nil when it is none. Numbers left out: errno 5, one transfer, one unit, unit 0, bit 0.
  public init?(parsing text: String) {
    let words = text.split(separator: " ")
    guard words.count == 1 || words.count == 2 else { return nil }
    let parts = words[0].split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    let isRepeating = parts[1].hasSuffix("+")
    guard let call = UInt64(isRepeating ? parts[1].dropLast() : parts[1]) else { return nil }
    var key = ""
    var number: Int64?
    if words.count == 2 {
      let pair = words[1].split(separator: "=", omittingEmptySubsequences: false)
      guard pair.count == 2, let value = Int64(pair[1]) else { return nil }
      key = String(pair[0])
      number = value
    }
    let expectedKey: String
    let fault: Fault
    switch parts[0] {
    case "fail":
      guard let code = Int32(exactly: number ?? 5) else { return nil }
      (expectedKey, fault) = ("errno", .fail(errno: code))
    case "full": (expectedKey, fault) = ("", .noSpace)
    case "short": (expectedKey, fault) = ("transfers", .short(transferCount: Int(clamping: number ?? 1)))
    case "torn":
      (expectedKey, fault) = ("units", .torn(unitCount: Int(clamping: number ?? 1), isSilent: false))
    case "torn-silently":
      (expectedKey, fault) = ("units", .torn(unitCount: Int(clamping: number ?? 1), isSilent: true))
    case "lost": (expectedKey, fault) = ("", .lost)
    case "lost-unit":
      guard let lost = UInt64(exactly: number ?? 0) else { return nil }
      (expectedKey, fault) = ("unit", .lostUnit(number: lost))
    case "misdirected-read": (expectedKey, fault) = ("units", .misdirectedRead(unitCount: number ?? 1))
    case "misdirected-write": (expectedKey, fault) = ("units", .misdirectedWrite(unitCount: number ?? 1))
    case "flip":
      guard let bit = UInt64(exactly: number ?? 0) else { return nil }
      (expectedKey, fault) = ("bit", .flippedBit(bit: bit))
    case "power": (expectedKey, fault) = ("", .powerLoss)
    default: return nil
    }
    guard number == nil || key == expectedKey else { return nil }
    self.init(at: call, repeats: isRepeating, fault)
  }
}

/// Which writes that no sync covered a crash leaves behind. Every one is possible: a device may reorder and drop
/// whatever was not synced.
public enum CrashSurvivors: Equatable, Sendable {
  /// None: exactly the last synced state.
  case none
  /// All: everything that was written.
  case all
  /// The first so many, in the order they were written.
  case prefix(Int)
  /// All but these, by number.
  case allBut([Int])
  /// These alone, by number.
  case only([Int])
  /// Each with probability one half, drawn from the seed.
  case seeded(UInt64)
}
