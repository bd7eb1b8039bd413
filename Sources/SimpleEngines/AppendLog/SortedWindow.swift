// The next few entries of an unordered log in key order, in bounded memory: the newest value of every key between
// two bounds, folded operation by operation. When it is full it gives up the far end and says where.
//
//   log order  ─▶ put c │ put a │ add x │ delete c │ put b │ …
//                     │ fold: binary search, then insert, replace or remove
//                     ▼
//   slots      [ a ][ b ] │ given up: from x on            sorted; keys and values lie in the arena
//
// Invariants
// 1. After folding a whole log the slots are exactly the live entries of [low, high), ascending.
// 2. The bounds only narrow, before any key between the old and the new bound can be shown.
// 3. Slots ≤ `slotLimit`, arena ≤ its capacity, whatever is folded.

import KeyValue
import Primitives

/// A sorted, bounded collection of entries.
final class SortedWindow {
  private struct Slot {
    var keyStart: Int
    var keyByteCount: Int
    var valueStart: Int
    var valueByteCount: Int
  }

  private(set) var low: [UInt8]
  /// nil for no bound.
  private(set) var high: [UInt8]?
  private let order: ScanOrder
  private let slotLimit: Int
  private let capacityByteCount: Int
  private let maximumValueByteCount: Int
  private var slots: ContiguousArray<Slot> = []
  private var arena: UnsafeMutableRawPointer
  private var spare: UnsafeMutableRawPointer
  private var usedByteCount = 0
  private var value: ValueBuffer

  /// The memory a window takes: two arenas, the slots, the value being computed.
  static func memoryByteCount(capacityByteCount: Int, slotLimit: Int, maximumValueByteCount: Int) -> Int {
    2 * capacityByteCount + slotLimit * MemoryLayout<Slot>.stride + maximumValueByteCount
  }

  /// An empty window over `range`.
  ///
  /// Precondition: two of the largest entries fit in `capacityByteCount`.
  init(
    range: KeyRange, order: ScanOrder, slotLimit: Int, capacityByteCount: Int, maximumValueByteCount: Int
  ) {
    precondition(slotLimit >= 2, "A window has room for two entries.")
    low = range.lowerBound ?? []
    high = range.upperBound
    self.order = order
    self.slotLimit = slotLimit
    self.capacityByteCount = capacityByteCount
    self.maximumValueByteCount = maximumValueByteCount
    arena = .allocate(byteCount: capacityByteCount, alignment: 16)
    spare = .allocate(byteCount: capacityByteCount, alignment: 16)
    value = ValueBuffer(reservedByteCount: maximumValueByteCount)
    slots.reserveCapacity(slotLimit)
  }

  deinit {
    arena.deallocate()
    spare.deallocate()
  }

  /// The number of entries.
  var count: Int { slots.count }

  /// The key of entry `index` in ascending order; valid until the next fold.
  func key(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: arena + slots[index].keyStart, count: slots[index].keyByteCount)
  }

  /// The value of entry `index` in ascending order; valid until the next fold.
  func value(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: arena + slots[index].valueStart, count: slots[index].valueByteCount)
  }

  /// Whether a key lies between the bounds.
  func covers(_ key: UnsafeRawBufferPointer) -> Bool {
    if low.withUnsafeBytes({ compareKeys(key, $0) }) < 0 { return false }
    guard let high else { return true }
    return high.withUnsafeBytes { compareKeys(key, $0) } < 0
  }

  /// The first entry whose key is not before `key`; `count` when there is none.
  func firstIndex(atOrAfter key: UnsafeRawBufferPointer) -> Int {
    var lower = 0
    var upper = slots.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if compareKeys(self.key(middle), key) < 0 { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }

  /// Applies one operation of the log.
  func fold(_ operation: LogOperation) {
    let key = operation.key
    if operation.kind == .deleteRange {
      guard compareKeys(key, operation.operand) < 0 else { return }
      let first = firstIndex(atOrAfter: key)
      let end = firstIndex(atOrAfter: operation.operand)
      slots.removeSubrange(first..<end)
      return
    }
    guard covers(key) else { return }
    let index = firstIndex(atOrAfter: key)
    let isPresent = index < slots.count && compareKeys(self.key(index), key) == 0
    if operation.kind == .delete {
      if isPresent { slots.remove(at: index) }
      return
    }
    if operation.kind == .put {
      store(operation.operand, for: key, at: index, isPresent: isPresent)
      return
    }
    if isPresent { value.assign(self.value(index)) } else { value.makeAbsent() }
    value.apply(operation.kind, operand: operation.operand, maximumValueByteCount: maximumValueByteCount)
    if value.isPresent { store(value.bytes, for: key, at: index, isPresent: isPresent) }
  }

  private func store(
    _ bytes: UnsafeRawBufferPointer, for key: UnsafeRawBufferPointer, at foundIndex: Int, isPresent: Bool
  ) {
    if isPresent, bytes.count <= slots[foundIndex].valueByteCount {
      copy(bytes, to: slots[foundIndex].valueStart)
      slots[foundIndex].valueByteCount = bytes.count
      return
    }
    var index = foundIndex
    if usedByteCount + key.count + bytes.count > capacityByteCount
      || (!isPresent && slots.count == slotLimit)
    {
      if isPresent { slots.remove(at: index) }
      makeRoom(for: key.count + bytes.count)
      // The far end may have gone, and this key with it.
      guard covers(key) else { return }
      index = firstIndex(atOrAfter: key)
    } else if isPresent {
      slots[index].valueStart = usedByteCount
      slots[index].valueByteCount = bytes.count
      copy(bytes, to: usedByteCount)
      usedByteCount += bytes.count
      return
    }
    copy(key, to: usedByteCount)
    copy(bytes, to: usedByteCount + key.count)
    slots.insert(
      Slot(
        keyStart: usedByteCount, keyByteCount: key.count, valueStart: usedByteCount + key.count,
        valueByteCount: bytes.count), at: index)
    usedByteCount += key.count + bytes.count
  }

  private func copy(_ bytes: UnsafeRawBufferPointer, to start: Int) {
    if let base = bytes.baseAddress { (arena + start).copyMemory(from: base, byteCount: bytes.count) }
  }

  /// Gathers the live bytes, and gives up the far half as long as `byteCount` bytes or a slot are missing.
  private func makeRoom(for byteCount: Int) {
    gather()
    while slots.count > 1, usedByteCount + byteCount > capacityByteCount || slots.count >= slotLimit {
      let half = slots.count / 2
      switch order {
      case .forward:
        high = [UInt8](key(half))
        slots.removeSubrange(half...)
      case .reverse:
        low = [UInt8](key(half))
        slots.removeSubrange(..<half)
      }
      gather()
    }
    precondition(
      usedByteCount + byteCount <= capacityByteCount, "A window has room for two of the largest entries.")
  }

  private func gather() {
    var end = 0
    for index in slots.indices {
      let slot = slots[index]
      (spare + end).copyMemory(from: arena + slot.keyStart, byteCount: slot.keyByteCount)
      slots[index].keyStart = end
      end += slot.keyByteCount
      (spare + end).copyMemory(from: arena + slot.valueStart, byteCount: slot.valueByteCount)
      slots[index].valueStart = end
      end += slot.valueByteCount
    }
    swap(&arena, &spare)
    usedByteCount = end
  }
}
