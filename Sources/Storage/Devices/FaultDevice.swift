// A device that fails on purpose, and knows what a crash would leave.
//
//   calls ──▶ script: call 12 fails, call 7 is torn …  ──▶ base
//
//   durable image  ── writes not yet synced ──▶  what the base shows
//   (last sync)       0  1  2  3  4 …              crash(survivors:) = durable image + any subset of them
//
// Invariants
// 1. Without a script the device is transparent.
// 2. durable image + all unsynced writes, in order = the base's content (unless a sync was lost).
// 3. An unsynced write is one atom: `atomByteCount` bytes of one write, or one whole discard. A crash keeps or drops
//    each on its own.
// 4. Deterministic: script, seed and calls decide everything.
// 5. After power loss every call fails; only `crash(survivors:)` speaks.
// 6. Nothing is begun here: a batch that is asked for ahead is one call, in the place of the call that would have finished it.

import Accounting
import Primitives

/// Performs a fault script over a base device, and keeps what a crash needs when it is given the memory device.
public final class FaultDevice: BlockDevice {
  /// What goes wrong, and when.
  public private(set) var script: [ScriptedFault]
  /// How many calls arrived: the number the next one gets.
  public private(set) var callCount: UInt64 = 0
  /// Whether the power is gone.
  public private(set) var isPowerLost = false
  /// The bytes that a crash keeps or drops as one, a divisor of the transfer unit.
  public let atomByteCount: Int

  private let base: any BlockDevice
  private let memory: MemoryDevice?
  private var durable: MemoryDevice?
  private var unsynced: ContiguousArray<UnsyncedWrite> = []

  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes.
  public let capacityByteCount: UInt64

  /// Bytes written and not synced: one transfer unit, or the range of a discard.
  private enum UnsyncedWrite {
    case unit(offset: UInt64, frame: Frame?, frameOffset: Int)
    case discard(offset: UInt64, byteCount: UInt64)
  }

  /// Faults over `base`.
  ///
  /// - Parameters:
  ///   - memory: the memory device below `base`, to be able to crash; its present content counts as durable. All
  ///     writes since the last sync are then kept alive: for worlds that sync, or small ones.
  ///   - atomByteCount: the unit of tearing, default the transfer unit; 512 for sector-sized tearing.
  public init(
    base: any BlockDevice, script: [ScriptedFault] = [], memory: MemoryDevice? = nil,
    atomByteCount: Int? = nil
  ) {
    self.base = base
    self.script = script
    self.memory = memory
    durable = memory?.clone()
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    self.atomByteCount = atomByteCount ?? base.transferUnitByteCount
    precondition(
      self.atomByteCount >= 8 && base.transferUnitByteCount % self.atomByteCount == 0
        && self.atomByteCount % 8 == 0,
      "The transfer unit is a multiple of the crash atom, the atom a multiple of 8 bytes.")
  }

  /// Adds a fault, for a test that decides while it runs.
  public func add(_ fault: ScriptedFault) { script.append(fault) }

  // MARK: Calls

  private func nextFault() -> Fault? {
    let call = callCount
    callCount += 1
    for fault in script where fault.call == call || (fault.repeats && fault.call < call) {
      return fault.fault
    }
    return nil
  }

  private func failure(
    _ operation: String, _ offset: UInt64 = 0, _ byteCount: Int = 0, errno: Int32 = 5, _ reason: String
  ) -> StorageError {
    .deviceFailed(operation: operation, offset: offset, byteCount: byteCount, errno: errno, reason: reason)
  }

  /// Performs the batch as the script says.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    let fault = nextFault()
    if isPowerLost { throw failure("submit", errno: 0, "the power is gone") }
    guard let fault else { return try perform(&batch) }
    let first = batch.transfers.first
    let (offset, byteCount) = (first?.offset ?? 0, first?.byteCount ?? 0)
    switch fault {
    case .fail(let number):
      throw failure("submit", offset, byteCount, errno: number, "scripted failure")
    case .noSpace:
      if batch.containsWrites {
        throw .noSpace(requestedByteCount: batch.byteCount(.write), freeByteCount: 0)
      }
      try perform(&batch)
    case .short(let transferCount):
      try performPrefix(&batch, transferCount: transferCount)
      throw failure("submit", offset, byteCount, "scripted short transfer")
    case .torn(let unitCount, let isSilent):
      try performTorn(&batch, unitCount: unitCount)
      if !isSilent { throw failure("submit", offset, byteCount, "scripted torn write") }
    case .lost: try performTorn(&batch, unitCount: 0)
    case .lostUnit(let number): try performLosing(&batch, number)
    case .misdirectedRead(let unitCount): try performMisdirected(&batch, .read, unitCount)
    case .misdirectedWrite(let unitCount): try performMisdirected(&batch, .write, unitCount)
    case .flippedBit(let bit): try performFlipped(&batch, bit)
    case .powerLoss:
      isPowerLost = true
      try perform(&batch)
      throw failure("submit", offset, byteCount, errno: 0, "the power is gone")
    }
  }

  /// Performs the call as the script says.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    let fault = nextFault()
    let name = operation.direction.name
    if isPowerLost { throw failure(name, errno: 0, "the power is gone") }
    switch fault {
    case .fail(let number): throw failure(name, errno: number, "scripted failure")
    case .powerLoss:
      isPowerLost = true
      // The call was on its way: a discard may or may not have happened, a sync makes no promise.
      if case .discard = operation { try perform(operation) }
      throw failure(name, errno: 0, "the power is gone")
    case .lost:
      return
    case nil, .noSpace, .short, .torn, .lostUnit, .misdirectedRead, .misdirectedWrite, .flippedBit:
      try perform(operation)
    }
  }

  private func perform(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    if batch.containsWrites { noteWrites(of: batch) }
  }

  private func perform(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    guard let durable else { return }
    switch operation {
    case .sync:
      for write in unsynced { Self.apply(write, to: durable) }
      unsynced.removeAll(keepingCapacity: true)
    case .discard(let offset, let byteCount, _):
      unsynced.append(.discard(offset: offset, byteCount: byteCount))
    case .namespace: break
    }
  }

  private func noteWrites(of batch: borrowing TransferBatch) {
    guard let memory else { return }
    for index in batch.transfers.indices where batch.transfers[index].direction == .write {
      var offset = batch.transfers[index].offset
      while offset < batch.transfers[index].end {
        let place = memory.frame(ofUnitAt: offset)
        unsynced.append(.unit(offset: offset, frame: place?.frame, frameOffset: place?.offset ?? 0))
        offset += UInt64(transferUnitByteCount)
      }
    }
  }

  // MARK: Faults

  private func performPrefix(_ batch: inout TransferBatch, transferCount: Int) throws(StorageError) {
    var part = batch.prefix(transferCount: max(0, min(transferCount, batch.transfers.count)), byteCount: 0)
    if !part.isEmpty { try perform(&part) }
    for index in part.segments.indices { batch.segments[index] = part.segments[index] }
  }

  /// Reads are performed whole, of the writes the first units.
  private func performTorn(_ batch: inout TransferBatch, unitCount: Int) throws(StorageError) {
    var left = unitCount < 0 ? 0 : unitCount
    var place = 0
    var byteCount = 0
    while place < batch.transfers.count {
      if batch.transfers[place].direction == .write {
        let units = batch.transfers[place].byteCount / transferUnitByteCount
        if left < units {
          byteCount = left * transferUnitByteCount
          break
        }
        left -= units
      }
      place += 1
    }
    var part = batch.prefix(transferCount: place, byteCount: byteCount)
    if !part.isEmpty { try perform(&part) }
    // Reads come before writes, so vended frames lie in the common part.
    for index in part.segments.indices {
      if case .vended = batch.segments[index].memory { batch.segments[index] = part.segments[index] }
    }
  }

  /// Everything but one unit of the writes.
  private func performLosing(_ batch: inout TransferBatch, _ number: UInt64) throws(StorageError) {
    let unitCount = batch.byteCount(.write) / UInt64(transferUnitByteCount)
    if unitCount == 0 { return try perform(&batch) }
    var part = batch.losing(unit: Int(number % unitCount), unitByteCount: transferUnitByteCount)
    if !part.isEmpty { try perform(&part) }
    // Reads come before writes, so vended frames lie in the common part.
    for index in part.segments.indices {
      if index < batch.segments.count, case .vended = batch.segments[index].memory {
        batch.segments[index] = part.segments[index]
      }
    }
  }

  private func performMisdirected(
    _ batch: inout TransferBatch, _ direction: Direction, _ unitCount: Int64
  ) throws(StorageError) {
    let original = batch.transfers
    let distance = UInt64(bitPattern: unitCount &* Int64(transferUnitByteCount))
    for index in batch.transfers.indices where batch.transfers[index].direction == direction {
      let moved = batch.transfers[index].offset &+ distance
      let length = UInt64(batch.transfers[index].byteCount)
      // A place beyond the device: the transfer hits its own place after all.
      if moved <= capacityByteCount && length <= capacityByteCount - moved {
        batch.transfers[index].offset = moved
      }
    }
    defer { batch.transfers = original }
    try perform(&batch)
  }

  private func performFlipped(_ batch: inout TransferBatch, _ bit: UInt64) throws(StorageError) {
    let wasVended = batch.segments.map { if case .vended = $0.memory { true } else { false } }
    try perform(&batch)
    let total = batch.byteCount(.read)
    if total == 0 { return }
    var byte = Int(bit % (total * 8) / 8)
    for transfer in batch.transfers where transfer.direction == .read {
      for index in transfer.segments {
        let segment = batch.segments[index]
        if byte >= segment.byteCount {
          byte -= segment.byteCount
          continue
        }
        guard var pointer = segment.sourcePointer else { return }
        if wasVended[index] {
          // The frame may be the base's own: the reader gets a damaged copy.
          let copy = Frame(byteCount: segment.byteCount)
          copy.pointer.copyMemory(from: pointer, byteCount: segment.byteCount)
          batch.segments[index].memory = .frame(copy, offset: 0)
          pointer = copy.pointer
        }
        let damaged = pointer.load(fromByteOffset: byte, as: UInt8.self) ^ (1 << UInt8(bit % 8))
        pointer.storeBytes(of: damaged, toByteOffset: byte, as: UInt8.self)
        return
      }
    }
  }

  // MARK: Crashes

  /// How many atoms a crash now would keep or drop, each on its own.
  public var unsyncedAtomCount: Int {
    let perUnit = transferUnitByteCount / atomByteCount
    return unsynced.reduce(0) { count, write in
      if case .unit = write { return count + perUnit }
      return count + 1
    }
  }

  /// What a crash now leaves: the last synced state and the surviving atoms, in the order they were written.
  ///
  /// Precondition: the device was given the memory device. Cost: one step per unsynced unit; no data is copied
  /// unless a unit is torn.
  public func crash(survivors: CrashSurvivors) -> MemoryDevice {
    guard let durable else { preconditionFailure("A crash needs the memory device: pass it to FaultDevice.") }
    let image = durable.clone()
    let perUnit = transferUnitByteCount / atomByteCount
    let total = unsyncedAtomCount
    let survives = Self.choose(survivors, among: total)
    var atom = 0
    for write in unsynced {
      switch write {
      case .discard:
        if survives[atom] { Self.apply(write, to: image) }
        atom += 1
      case .unit(let offset, let frame, let frameOffset):
        let range = atom..<(atom + perUnit)
        atom += perUnit
        let count = survives[range].reduce(0) { $0 + ($1 ? 1 : 0) }
        if count == perUnit {
          Self.apply(write, to: image)
        } else if count > 0 {
          let torn = Frame(byteCount: transferUnitByteCount)
          let old = image.frame(ofUnitAt: offset).map { $0.frame.pointer + $0.offset }
          let new = frame.map { $0.pointer + frameOffset }
          for (place, index) in range.enumerated() {
            let position = place * atomByteCount
            guard let source = survives[index] ? new : old else { continue }
            (torn.pointer + position).copyMemory(from: source + position, byteCount: atomByteCount)
          }
          image.place(unitAt: offset, frame: torn, frameOffset: 0)
        }
      }
    }
    return image
  }

  private static func apply(_ write: UnsyncedWrite, to image: MemoryDevice) {
    switch write {
    case .unit(let offset, let frame, let frameOffset):
      image.place(unitAt: offset, frame: frame, frameOffset: frameOffset)
    case .discard(let offset, let byteCount): image.discardUnits(offset: offset, byteCount: byteCount)
    }
  }

  private static func choose(_ survivors: CrashSurvivors, among total: Int) -> [Bool] {
    switch survivors {
    case .none: return [Bool](repeating: false, count: total)
    case .all: return [Bool](repeating: true, count: total)
    case .prefix(let count): return (0..<total).map { $0 < count }
    case .only(let chosen), .allBut(let chosen):
      var isOnly = false
      if case .only = survivors { isOnly = true }
      var result = [Bool](repeating: !isOnly, count: total)
      for index in chosen {
        precondition(
          index >= 0 && index < total, "Survivor \(index) is not one of the \(total) unsynced atoms.")
        result[index] = isOnly
      }
      return result
    case .seeded(let seed):
      let random = CounterRandom(seed: seed, stream: 0x6372_6173_68)
      return (0..<total).map { random.draw(UInt64($0)) & 1 == 1 }
    }
  }
}
