// Files of the wall-clock control (`vfs: unix`): a database of SQLite's own in a temporary folder, removed when the
// process ends. A device stands for the place: opening the same device again finds the same file.

import CSQLite
import Storage
import Synchronization

/// The temporary databases of this process.
enum ControlFiles {
  private static let paths = Mutex<[String]>([])

  /// The database that stands for `device`.
  static func path(for device: any BlockDevice) -> String {
    let place = UInt64(UInt(bitPattern: Unmanaged.passUnretained(device as AnyObject).toOpaque()))
    let path = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1_024) { buffer in
      betula_control_path(buffer.baseAddress, 1_024, place)
      return String(cString: buffer.baseAddress!)
    }
    paths.withLock { known in
      if known.isEmpty { betula_at_exit { ControlFiles.removeAll() } }
      if !known.contains(path) { known.append(path) }
    }
    return path
  }

  /// Removes a database with its log and journal.
  static func remove(_ path: String) {
    for suffix in ["", "-wal", "-shm", "-journal"] { betula_remove(path + suffix) }
  }

  private static func removeAll() {
    for path in paths.withLock({ $0 }) { remove(path) }
  }
}
