// What every key must hold now: four bytes a key, and a side table for keys whose value has been upserted.
//
//   words  [ 0 │ version │ 0x8000_0000 + slot │ … ]      0: absent;  version: the value put by that write
//                               └─▶ slots [ base version │ sum of adds │ bytes, once appended to or patched ]
//
// Invariants
// 1. A word is 0 exactly when its key is absent; `liveKeyCount` counts the others.
// 2. `liveValueByteCount` is the sum of the sizes of the values that live keys hold.
// 3. A slot belongs to exactly one word or is free. Counters stay 32 bytes whatever their value; bytes are kept only
//    for values that an append or a patch touched.
//
// Cost: O(1) an operation; a range delete also walks the keys of its range. The first range delete or scan sorts the
// keys once, and from then on 8 more bytes a key are held.

import KeyValue
import Primitives

/// The expected contents of a dictionary, key by key.
public struct KeyState: Sendable {
  /// How many keys are not absent.
  public private(set) var liveKeyCount: UInt64 = 0
  /// The bytes of their values.
  public private(set) var liveValueByteCount: UInt64 = 0

  private let workload: WorkloadSpec
  private let maximumValueByteCount: Int
  private var words: ContiguousArray<UInt32> = []
  private var slots: ContiguousArray<UpsertedValue> = []
  private var freeSlots: ContiguousArray<UInt32> = []
  private var order: KeyOrder

  private static let slotFlag: UInt32 = 1 << 31

  /// A value that upserts have made of another.
  private struct UpsertedValue: Sendable {
    /// The version of the value put before, 0 when there was none.
    var baseVersion: UInt32
    /// What adds have added while there are no bytes; nil before the first.
    var sum: UInt64?
    /// The value, kept when it is no longer the base with a sum.
    var bytes: [UInt8]?
  }

  /// An empty dictionary.
  ///
  /// - Parameter maximumValueByteCount: the engine's limit; appends beyond it change nothing.
  public init(workload: WorkloadSpec, maximumValueByteCount: Int) {
    self.workload = workload
    self.maximumValueByteCount = maximumValueByteCount
    order = KeyOrder(keys: workload.keys)
    words.reserveCapacity(Int(min(workload.recordCount, 1 << 28)))
  }

  /// Live logical bytes: the keys and values of live keys. The denominator of space amplification.
  public var liveLogicalByteCount: UInt64 {
    liveKeyCount * UInt64(workload.keys.keyByteCount) + liveValueByteCount
  }

  /// Whether the key of `index` holds a value.
  public func isLive(_ index: UInt64) -> Bool { index < UInt64(words.count) && words[Int(index)] != 0 }

  /// The version of the value that the key of `index` holds: nil when it is absent or has been upserted.
  public func version(_ index: UInt64) -> UInt32? {
    guard isLive(index) else { return nil }
    let word = words[Int(index)]
    return word & Self.slotFlag == 0 ? word : nil
  }

  /// Applies a write operation. Reads change nothing.
  public mutating func apply(_ operation: Operation) {
    switch operation.kind {
    case .getHit, .getMiss, .scan: return
    case .put, .overwrite:
      precondition(
        operation.version > 0 && operation.version < Self.slotFlag,
        "A write's version is between 1 and 2^31 - 1.")
      let place = slotOfWord(operation.keyIndex)
      release(place)
      words[place] = operation.version
      liveKeyCount += 1
      liveValueByteCount += UInt64(operation.length)
    case .delete:
      let place = slotOfWord(operation.keyIndex)
      release(place)
      words[place] = 0
    case .upsertAdd, .upsertAppend, .upsertPatch: upsert(operation)
    case .rangeDelete: deleteRange(operation)
    }
  }

  /// Whether `value` is what the key of `index` holds, every bit.
  @inline(__always) func matches(_ value: RawSpan, index: UInt64) -> Bool {
    guard isLive(index) else { return false }
    let word = words[Int(index)]
    if word & Self.slotFlag == 0 {
      return workload.values.verify(value, keyIndex: index, version: word)
    }
    return matchesUpserted(value, index: index, slot: Int(word ^ Self.slotFlag))
  }

  /// The value that the key of `index` holds, nil when it is absent. A copy, for explanations and tests.
  public func expectedValue(_ index: UInt64) -> [UInt8]? {
    guard isLive(index) else { return nil }
    let word = words[Int(index)]
    if word & Self.slotFlag == 0 { return baseValue(index, word) }
    return value(index, slots[Int(word ^ Self.slotFlag)])
  }

  /// What the key of `index` should hold, as a clause.
  func expectation(_ index: UInt64) -> String {
    guard isLive(index) else { return "no value" }
    if let version = version(index) {
      return
        "the \(workload.values.byteCount(keyIndex: index, version: version))-byte value of version \(version)"
    }
    let slot = slots[Int(words[Int(index)] ^ Self.slotFlag)]
    let base = slot.baseVersion == 0 ? "nothing" : "version \(slot.baseVersion)"
    return "the \(byteCount(index, slot))-byte value that upserts made of \(base)"
  }

  // MARK: Walking in key order

  /// A walk over live keys.
  struct Walk: Sendable {
    var place: KeyOrder.Place?
    var order: ScanOrder
  }

  /// A walk that begins at the key of `index`, itself included, live or not.
  mutating func walk(from index: UInt64, _ scanOrder: ScanOrder) -> Walk {
    order.include(upTo: UInt64(words.count))
    let word = workload.keys.orderWord(index: index)
    if words.isEmpty { return Walk(place: nil, order: scanOrder) }
    switch scanOrder {
    case .forward: return Walk(place: order.place(atOrAfter: word), order: scanOrder)
    case .reverse: return Walk(place: order.place(atOrBefore: word), order: scanOrder)
    }
  }

  /// A walk over all live keys.
  mutating func walkFromFirst() -> Walk {
    order.include(upTo: UInt64(words.count))
    return Walk(place: words.isEmpty ? nil : order.place(atOrAfter: 0), order: .forward)
  }

  /// The index of the next live key of a walk, nil at the end.
  func next(_ walk: inout Walk) -> UInt64? {
    while let place = walk.place {
      walk.place = walk.order == .forward ? order.place(after: place) : order.place(before: place)
      let index = workload.keys.decode(orderWord: order.word(at: place)).index
      if words[Int(index)] != 0 { return index }
    }
    return nil
  }

  // MARK: Changes

  /// The position of a key's word, which exists afterwards.
  @inline(__always) private mutating func slotOfWord(_ index: UInt64) -> Int {
    if index >= UInt64(words.count) {
      words.append(contentsOf: repeatElement(0, count: Int(index) + 1 - words.count))
    }
    return Int(index)
  }

  /// Takes what a word holds out of the counts and frees its slot; the caller sets the word.
  @inline(__always) private mutating func release(_ place: Int) {
    let word = words[place]
    if word == 0 { return }
    liveKeyCount -= 1
    if word & Self.slotFlag == 0 {
      let byteCount = workload.values.byteCount(keyIndex: UInt64(place), version: word)
      liveValueByteCount -= UInt64(byteCount)
    } else {
      let slot = word ^ Self.slotFlag
      liveValueByteCount -= UInt64(byteCount(UInt64(place), slots[Int(slot)]))
      slots[Int(slot)].bytes = nil
      freeSlots.append(slot)
    }
  }

  private mutating func deleteRange(_ operation: Operation) {
    order.include(upTo: UInt64(words.count))
    guard !words.isEmpty else { return }
    var place = order.place(atOrAfter: workload.keys.orderWord(index: operation.keyIndex))
    while let current = place {
      let word = order.word(at: current)
      if word >= operation.detail { return }
      let index = Int(workload.keys.decode(orderWord: word).index)
      release(index)
      words[index] = 0
      place = order.place(after: current)
    }
  }

  private mutating func upsert(_ operation: Operation) {
    let index = operation.keyIndex
    let place = slotOfWord(index)
    let word = words[place]
    var value =
      word & Self.slotFlag == 0 ? UpsertedValue(baseVersion: word) : slots[Int(word ^ Self.slotFlag)]
    if word & Self.slotFlag != 0 { slots[Int(word ^ Self.slotFlag)].bytes = nil }
    let before = word == 0 ? 0 : byteCount(index, value)
    if operation.kind == .upsertAppend && Int(operation.length) > maximumValueByteCount - before {
      if word & Self.slotFlag != 0 { slots[Int(word ^ Self.slotFlag)] = value }
      return
    }
    if operation.kind == .upsertAdd && value.bytes == nil {
      value.sum = (value.sum ?? 0) &+ operation.detail
    } else {
      var bytes = value.bytes ?? (word == 0 ? [] : self.value(index, value))
      value.bytes = nil
      Self.change(&bytes, operation, workload.values)
      value.bytes = bytes
    }
    if word == 0 { liveKeyCount += 1 }
    liveValueByteCount -= UInt64(before)
    liveValueByteCount += UInt64(byteCount(index, value))
    if word & Self.slotFlag != 0 {
      slots[Int(word ^ Self.slotFlag)] = value
    } else if let slot = freeSlots.popLast() {
      slots[Int(slot)] = value
      words[place] = slot | Self.slotFlag
    } else {
      precondition(slots.count < Int(Self.slotFlag), "Upserted keys are fewer than 2^31.")
      words[place] = UInt32(slots.count) | Self.slotFlag
      slots.append(value)
    }
  }

  /// The arithmetic of upserts, written here a second time on purpose: the engines' own is what is checked.
  private static func change(_ bytes: inout [UInt8], _ operation: Operation, _ values: ValueCodec) {
    let operand = [UInt8](unsafeUninitializedCapacity: OperationEncoder.operandByteCount(operation)) {
      buffer, count in
      count = buffer.count
      OperationEncoder.fillOperand(operation, values: values, into: UnsafeMutableRawBufferPointer(buffer))
    }
    switch operation.kind {
    case .upsertAdd: add(operation.detail, to: &bytes)
    case .upsertPatch:
      let start = Int(operation.detail)
      let end = start + operand.count - 4
      if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
      for (place, byte) in zip(start..<end, operand[4...]) { bytes[place] = byte }
    default: bytes.append(contentsOf: operand)
    }
  }

  private static func add(_ amount: UInt64, to bytes: inout [UInt8]) {
    if bytes.count < 8 { bytes.append(contentsOf: repeatElement(0, count: 8 - bytes.count)) }
    bytes.withUnsafeMutableBytes { buffer in
      let old = UInt64(littleEndian: buffer.loadUnaligned(as: UInt64.self))
      buffer.storeBytes(of: (old &+ amount).littleEndian, as: UInt64.self)
    }
  }

  // MARK: Values

  private func baseValue(_ index: UInt64, _ version: UInt32) -> [UInt8] {
    let byteCount = workload.values.byteCount(keyIndex: index, version: version)
    return [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      count = byteCount
      let exact = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: byteCount)
      workload.values.fill(into: exact, keyIndex: index, version: version)
    }
  }

  /// The bytes of an upserted value.
  private func value(_ index: UInt64, _ upserted: UpsertedValue) -> [UInt8] {
    if let bytes = upserted.bytes { return bytes }
    var bytes = upserted.baseVersion == 0 ? [] : baseValue(index, upserted.baseVersion)
    if let sum = upserted.sum { Self.add(sum, to: &bytes) }
    return bytes
  }

  private func byteCount(_ index: UInt64, _ upserted: UpsertedValue) -> Int {
    if let bytes = upserted.bytes { return bytes.count }
    let least = upserted.sum == nil ? 0 : 8
    if upserted.baseVersion == 0 { return least }
    return max(least, workload.values.byteCount(keyIndex: index, version: upserted.baseVersion))
  }

  private func matchesUpserted(_ value: RawSpan, index: UInt64, slot: Int) -> Bool {
    let expected = self.value(index, slots[slot])
    return value.withUnsafeBytes { $0.elementsEqual(expected) }
  }
}
