// The modelled flash drive of a study: `device: { flash: { capacity: data*2, spare: 0.1 } }`. Absent means no model,
// and nothing of it enters a run's id.
//
//   file ─▶ FlashSpec (capacity may be a multiple of the data, page may be left to the unit)
//        ─▶ axes, overrides ─▶ resolved for one run: bytes ─▶ FlashConfiguration
//
// Invariants
// 1. A resolved spec says bytes for the capacity and for the page, so that equal drives have equal ids.
// 2. A spec without faults makes a drive the model accepts.

import KeyValue
import Primitives
import Storage

/// How large a drive is.
public enum FlashCapacity: Equatable, Sendable, CustomStringConvertible {
  /// This many bytes.
  case bytes(Int)
  /// The run's data (records × (key + value) bytes) times this: `data*2`.
  case dataMultiple(Double)

  /// As written in a study.
  public var description: String {
    switch self {
    case .bytes(let count): String(count)
    case .dataMultiple(let factor):
      // A whole factor is written without its decimals.
      factor == Double(Int(factor)) ? "data*\(Int(factor))" : "data*\(factor)"
    }
  }

  /// The bytes for a run with `dataByteCount` bytes of keys and values; fractions of a byte are dropped.
  public func byteCount(dataByteCount: Int) -> Int {
    switch self {
    case .bytes(let count): count
    case .dataMultiple(let factor): Int(min(Double(dataByteCount) * factor, 0x1p62))
    }
  }

  var value: ParameterValue {
    switch self {
    case .bytes(let count): .integer(count)
    case .dataMultiple: .text(description)
    }
  }

  init?(_ value: ParameterValue) {
    switch value {
    case .integer(let count): self = .bytes(count)
    case .text(let text):
      guard text.hasPrefix("data*"), let factor = Double(text.dropFirst(5)) else { return nil }
      self = .dataMultiple(factor)
    default: return nil
    }
  }
}

/// A study's flash drive; see `FlashConfiguration` for what the numbers mean.
public struct FlashSpec: Equatable, Sendable {
  /// What the drive exports.
  public var capacity: FlashCapacity
  /// The share of the physical pages that is not exported.
  public var spareFraction: Double
  /// The flash page in bytes; nil for 4 KiB, or the transfer unit when that is larger.
  public var pageByteCount: Int?
  /// The erase block in bytes.
  public var eraseBlockByteCount: Int
  /// What is on the drive at first.
  public var precondition: FlashConfiguration.Precondition

  /// A drive; the values a study leaves out are those given here.
  public init(
    capacity: FlashCapacity = .dataMultiple(2), spareFraction: Double = 0.07, pageByteCount: Int? = nil,
    eraseBlockByteCount: Int = 1 << 20, precondition: FlashConfiguration.Precondition = .full
  ) {
    self.capacity = capacity
    self.spareFraction = spareFraction
    self.pageByteCount = pageByteCount
    self.eraseBlockByteCount = eraseBlockByteCount
    self.precondition = precondition
  }

  /// The keys of a study's `flash:`.
  public var value: StudyValue {
    var entries: [StudyValue.Entry] = [
      .init("capacity", StudyValue(capacity.value)), .init("spare", .real(spareFraction)),
    ]
    if let pageByteCount { entries.append(.init("page", .integer(pageByteCount))) }
    entries.append(.init("erase_block", .integer(eraseBlockByteCount)))
    entries.append(.init("precondition", .text(precondition.rawValue)))
    return .map(entries)
  }

  /// The drive of a run with this much data, with every number said.
  public func resolved(dataByteCount: Int, transferUnitByteCount: Int) -> FlashSpec {
    var spec = self
    spec.pageByteCount = pageByteCount ?? max(4_096, transferUnitByteCount)
    let page = max(1, spec.pageByteCount ?? 1)
    let smallest = FlashConfiguration.fewestBlockCount * max(eraseBlockByteCount, page)
    spec.capacity = .bytes(max(smallest, capacity.byteCount(dataByteCount: dataByteCount)))
    return spec
  }

  /// What the model is made from. Precondition: the spec is resolved.
  public var configuration: FlashConfiguration {
    guard case .bytes(let capacity) = capacity, let pageByteCount else {
      preconditionFailure("A drive is resolved before it is made.")
    }
    return FlashConfiguration(
      capacityByteCount: UInt64(capacity), spareFraction: spareFraction, pageByteCount: pageByteCount,
      eraseBlockByteCount: eraseBlockByteCount, precondition: precondition)
  }

  /// Why no drive is like this on a device of that unit, as far as it can be said without a run's data.
  func fault(transferUnitByteCount: Int) -> (key: String, reason: String)? {
    resolved(dataByteCount: 0, transferUnitByteCount: transferUnitByteCount).configuration.fault
  }

  /// This drive with one key changed.
  func setting(_ key: String, to value: ParameterValue) -> FlashSpec {
    var spec = self
    switch (key, value) {
    case ("capacity", _): spec.capacity = FlashCapacity(value) ?? capacity
    case ("spare", .real(let fraction)): spec.spareFraction = fraction
    case ("page", .integer(let count)): spec.pageByteCount = count
    case ("erase_block", .integer(let count)): spec.eraseBlockByteCount = count
    case ("precondition", .text(let word)):
      spec.precondition = FlashConfiguration.Precondition(rawValue: word) ?? precondition
    default: preconditionFailure("'\(key)' with the value \(value) is no key of a flash drive.")
    }
    return spec
  }
}

extension StudyVocabulary {
  /// What begins the path of a drive's key inside `device:`.
  static let flashPrefix = "flash."

  /// The keys of `device.flash:` but the capacity, which may also be a multiple of the data.
  static let flash: [ParameterDescriptor] = [
    ParameterDescriptor(
      "spare", .real(0.001...0.9), default: .real(FlashSpec().spareFraction),
      "The share of the drive's physical pages that it does not export: (T − U) / T."),
    ParameterDescriptor(
      "page", .bytes(512...(1 << 20)), default: nil,
      "The flash page in bytes, a power of two; 4KiB or the transfer unit, whichever is larger, when left out."
    ),
    ParameterDescriptor(
      "erase_block", .bytes((4 << 10)...(256 << 20)), default: .integer(FlashSpec().eraseBlockByteCount),
      "The erase block in bytes, a multiple of the page."),
    ParameterDescriptor(
      "precondition", .choice(FlashConfiguration.Precondition.allCases.map(\.rawValue)),
      default: .text(FlashSpec().precondition.rawValue),
      "What is on the drive at first: full (written once, in order) or fresh (erased)."),
  ]

  /// The names of all keys of `device.flash:`.
  static let flashKeys = ["capacity"] + flash.map(\.name)
}

extension StudyDecoder {
  /// The drive of `device.flash`, nil when there is none or after a problem.
  mutating func flash(_ device: SourceNode?, transferUnitByteCount: Int) -> FlashSpec? {
    guard let entry = device?.entries.first(where: { $0.key == "flash" }), !entry.value.isNull else {
      return nil
    }
    let before = problems.count
    let path = "device.flash"
    let required = StudyVocabulary.flash.filter { $0.defaultValue != nil }
    let set = parameters(
      entry.value, at: entry.keyPlace, path: path, owner: "'\(path)'", required, extra: ["capacity", "page"])
    guard problems.count == before else { return nil }
    var spec = FlashSpec()
    for descriptor in required {
      if let value = set[descriptor.name] { spec = spec.setting(descriptor.name, to: value) }
    }
    if let node = entry.value["capacity"], let value = flashCapacity(node, path: "\(path).capacity") {
      spec = spec.setting("capacity", to: value)
    }
    if let node = entry.value["page"], let page = StudyVocabulary.flash.first(where: { $0.name == "page" }),
      let value = parameter(node, page, path: "\(path).page")
    {
      spec = spec.setting("page", to: value)
    }
    guard problems.count == before else { return nil }
    if let fault = spec.fault(transferUnitByteCount: transferUnitByteCount) {
      problem(entry.value[fault.key]?.place ?? entry.keyPlace, "\(path).\(fault.key)", fault.reason)
      return nil
    }
    return spec
  }

  /// A drive's capacity: a size, or a multiple of the data.
  mutating func flashCapacity(_ node: SourceNode, path: String) -> ParameterValue? {
    let allowed = ["1MiB … 4TiB", "data*1 … data*1_000"]
    let wanted = "a size such as 256MiB or a multiple of the data such as data*2 is wanted"
    guard let text = node.text, !node.isNull else {
      problem(node.place, path, "is \(node.nameForMessage), \(wanted)", allowed)
      return nil
    }
    do {
      if text.hasPrefix("data*") {
        let factor = try Quantity.parseReal(String(text.dropFirst(5)))
        if (1...1_000).contains(factor) { return FlashCapacity.dataMultiple(factor).value }
      } else {
        let count = try Quantity.parseByteCount(text)
        if ((1 << 20)...(4 << 40)).contains(count) { return .integer(count) }
      }
      problem(node.place, path, "is \(text), which is out of range", allowed)
    } catch {
      problem(node.place, path, "is '\(text)': \(error.reason); \(wanted)", allowed)
    }
    return nil
  }
}
