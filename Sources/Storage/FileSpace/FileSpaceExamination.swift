// A kept file space, looked at from outside: both directory slots, the files and their regions, and what is wrong.
//
// The directory is checked sector by sector. What the files hold is the guest's: a guest without checksums (SQLite's
// database pages have none) cannot notice every changed byte, and the ownership map says so.
//
// Invariant: nothing is written; the reads have the cause `verification`, or the guest's own.

import Accounting
import Primitives

/// What a file space says of itself.
public struct FileSpaceDescription: Equatable, Sendable {
  /// One directory slot.
  public struct Slot: Equatable, Sendable {
    /// Where it is.
    public var offset: UInt64
    /// Its size in bytes.
    public var byteCount: UInt64
    /// `empty`, `unfinished`, `complete`, or what is wrong.
    public var state: String
    /// The newest generation in it, nil when there is none.
    public var generation: UInt64?
  }

  /// One file.
  public struct File: Equatable, Sendable {
    /// Its number.
    public var id: UInt32
    /// Its name.
    public var name: String
    /// Its size in bytes.
    public var byteCount: UInt64
    /// Bytes of its regions.
    public var allocatedByteCount: UInt64
    /// Where it lies, in file order.
    public var extents: [Extent]
  }

  /// Both slots.
  public var slots: [Slot] = []
  /// The files, nil when no directory can be read.
  public var files: [File]?
  /// Directories made durable so far.
  public var generation: UInt64 = 0
  /// The allocation unit in bytes.
  public var chunkByteCount = 0
  /// The address space in bytes.
  public var capacityByteCount: UInt64 = 0
  /// Directory and files, in bytes.
  public var allocatedByteCount: UInt64 = 0
  /// The longest run of free bytes.
  public var largestFreeExtentByteCount: UInt64 = 0
}

extension SpaceFile {
  /// Where the file's bytes lie, in file order.
  public var extents: [Extent] {
    regions.map { Extent(offset: $0.deviceOffset, byteCount: Int($0.byteCount)) }
  }

  /// Where a byte of the file lies on the device, nil when it is beyond the regions.
  public func deviceOffset(of offset: UInt64) -> UInt64? {
    guard let found = regions.first(where: { $0.fileOffset <= offset && offset < $0.fileEnd }) else {
      return nil
    }
    return found.deviceOffset + (offset - found.fileOffset)
  }
}

extension FileSpace {
  /// Looks at the directory of a device that holds a file space.
  ///
  /// - Returns: what it says, who owns what, and what is wrong.
  /// - Throws: what the device throws.
  public static func examine(
    channel: IOChannel, budget: MemoryBudget
  ) throws(StorageError) -> (
    description: FileSpaceDescription, owners: [OwnedRange], findings: [VolumeFinding], checksumCount: UInt64
  ) {
    var description = FileSpaceDescription()
    var owners: [OwnedRange] = []
    var findings: [VolumeFinding] = []
    var checksumCount: UInt64 = 0
    func note(_ error: StorageError) throws(StorageError) {
      switch error {
      case .corrupted(let structure, let offset, let detail):
        if findings.contains(where: { $0.offset == offset && $0.detail == detail }) { return }
        findings.append(
          VolumeFinding(structure: structure, offset: offset, detail: detail, isHarmless: false))
      case .noSpace(let requested, let available):
        findings.append(
          VolumeFinding(
            structure: "file directory", offset: available,
            detail: "the image ends after \(available) bytes, before its first chunk ends at \(requested)",
            isHarmless: false))
      default: throw error
      }
    }
    let capacity = channel.capacityByteCount
    description.capacityByteCount = capacity
    let slotByteCount = max(smallestSlotByteCount, 16 * channel.transferUnitByteCount)
    for number in 0..<2 {
      let offset = UInt64(number * slotByteCount)
      var slot = FileSpaceDescription.Slot(offset: offset, byteCount: UInt64(slotByteCount), state: "cut off")
      if capacity >= offset + UInt64(slotByteCount) {
        owners.append(
          OwnedRange(
            structure: "directory slot \(number)", offset: offset, byteCount: UInt64(slotByteCount),
            isChecked: true))
        let (frame, start) = try channel.read(at: offset, byteCount: slotByteCount, cause: .verification)
        let bytes = UnsafeRawBufferPointer(start: frame.pointer + start, count: slotByteCount)
        for sector in stride(from: 0, to: slotByteCount, by: FileDirectory.sectorByteCount)
        where bytes[sector..<(sector + FileDirectory.sectorByteCount)].contains(where: { $0 != 0 }) {
          checksumCount += 1
        }
        do throws(StorageError) {
          switch try FileDirectory.read(bytes, slot: UInt64(number), deviceOffset: offset) {
          case .empty: slot.state = "empty"
          case .unfinished(let newest): (slot.state, slot.generation) = ("unfinished", newest)
          case .complete(let generation, _): (slot.state, slot.generation) = ("complete", generation)
          }
        } catch {
          slot.state = "damaged"
          try note(error)
        }
      }
      description.slots.append(slot)
    }
    do throws(StorageError) {
      let space = try FileSpace(channel: channel, budget: budget, formats: false)
      try space.verify()
      description.generation = space.generation
      description.chunkByteCount = space.chunkByteCount
      let used = space.space
      description.allocatedByteCount = used.allocatedByteCount
      description.largestFreeExtentByteCount = used.largestFreeExtentByteCount
      description.files = space.files.map { file in
        FileSpaceDescription.File(
          id: file.id, name: file.name, byteCount: file.byteCount,
          allocatedByteCount: file.allocatedByteCount, extents: file.extents)
      }
      for file in space.files {
        owners += file.extents.map {
          OwnedRange(
            structure: "file \(file.name)", offset: $0.offset, byteCount: UInt64($0.byteCount),
            isChecked: false)
        }
      }
    } catch {
      try note(error)
    }
    return (description, owners.sorted { $0.offset < $1.offset }, findings, checksumCount)
  }
}
