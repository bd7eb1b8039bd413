// What can go wrong below an engine, in one vocabulary that every room shares.
//
// A rule of ours broken is a `precondition`; the world misbehaving is one of these values, always with
// the place (byte offset on the device) and the cause. Bad bytes are `.corrupted`, never a trap.

/// An error of the device or of what is stored on it.
public enum StorageError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The device refused or failed a call. `errno` is the system's number, 0 when there is none.
  case deviceFailed(operation: String, offset: UInt64, byteCount: Int, errno: Int32, reason: String)
  /// A transfer whose offset or length is not a multiple of the device's transfer unit.
  case misaligned(offset: UInt64, byteCount: Int, transferUnitByteCount: Int)
  /// A transfer beyond the end of the device.
  case outOfRange(offset: UInt64, byteCount: Int, capacityByteCount: UInt64)
  /// No free space for an allocation of this size.
  case noSpace(requestedByteCount: UInt64, freeByteCount: UInt64)
  /// Bytes that cannot be what was written: a checksum, a magic number, an impossible field.
  case corrupted(structure: String, offset: UInt64, detail: String)
  /// Refused because an earlier write or sync failed; only reopening heals it.
  case poisoned(by: String)
  /// A named memory account could not be given what it asked for.
  case outOfBudget(account: String, requestedByteCount: Int, availableByteCount: Int)
  /// The thing asked for does not exist (a file in a file space, an unknown node id).
  case notFound(what: String)
  /// Used after `close()`.
  case closed

  /// The sentence for the user: what failed, where and why.
  public var description: String {
    switch self {
    case .deviceFailed(let operation, let offset, let count, let number, let reason):
      let code = number == 0 ? "" : " (errno \(number))"
      return "device \(operation) of \(count) bytes at offset \(offset) failed: \(reason)\(code)"
    case .misaligned(let offset, let count, let unit):
      return "transfer of \(count) bytes at offset \(offset) is not aligned to the transfer unit \(unit)"
    case .outOfRange(let offset, let count, let capacity):
      return "transfer of \(count) bytes at offset \(offset) ends beyond the device's \(capacity) bytes"
    case .noSpace(let requested, let free):
      return "no space: \(requested) bytes wanted, \(free) bytes free"
    case .corrupted(let structure, let offset, let detail):
      return "corrupted \(structure) at offset \(offset): \(detail)"
    case .poisoned(let by): return "volume refuses work until reopened, because \(by)"
    case .outOfBudget(let account, let requested, let available):
      return "memory account '\(account)' wanted \(requested) bytes, \(available) available"
    case .notFound(let what): return "not found: \(what)"
    case .closed: return "used after close"
    }
  }
}
