// Holds the kernel's count of a phase against the device's, on files past the page cache: whoever moves bytes beside the
// counted device, or counts what never moved, is found by a witness that is not ours.
//
//   before the run   does the kernel count here? (once per folder)  no ─▶ one remark, no comparison
//                    files this program is mapped from are read once, so that no page of code is fetched inside a phase
//   after a phase    kernel − ours within 1 % + 1 MiB, reads and writes, or the run fails
//
// Nothing else is written inside a phase: records are written between runs or after them. A trace in a file is, and what it
// was charged is taken out.

import Foundation
import Storage
import Synchronization

/// The kernel's count and ours differ by more than may be.
struct KernelDisagreement: Error, CustomStringConvertible {
  let description: String
}

/// Whether and how a run's phases are held against the kernel.
struct KernelAgreement {
  private let isJudged: Bool

  private static let answers = Mutex<[String: KernelCountProbe]>([:])

  /// Asks the kernel, unless this process did so before for the same folder.
  ///
  /// - Parameter noted: hears once per folder why nothing is compared.
  init(_ device: DeviceSpec, noted: (String) -> Void) {
    guard device.kind == .file, device.access == .direct else {
      isJudged = false
      return
    }
    let folder = device.path ?? NSTemporaryDirectory()
    let known = Self.answers.withLock { $0[folder] }
    let answer = known ?? Self.ask(folder)
    if known == nil {
      Self.answers.withLock { $0[folder] = answer }
      if case .doesNotCount(let reason) = answer {
        noted("the kernel does not count O_DIRECT here, so its count is not held against ours: \(reason)")
      }
    }
    isJudged = answer == .counts
  }

  private static func ask(_ folder: String) -> KernelCountProbe {
    readMappedFiles()
    let name =
      "betula-probe-\(ProcessInfo.processInfo.processIdentifier)-\(UInt64.random(in: 0 ... .max)).tmp"
    return KernelCountProbe.ask(path: (folder as NSString).appendingPathComponent(name))
  }

  /// Reads the program and its libraries into the page cache.
  private static func readMappedFiles() {
    // Absent where there is no /proc: then the kernel counts nothing either.
    guard let maps = try? String(contentsOfFile: "/proc/self/maps", encoding: .utf8) else { return }
    var paths: Set<String> = []
    for line in maps.split(separator: "\n") {
      guard let slash = line.firstIndex(of: "/") else { continue }
      paths.insert(String(line[slash...]))
    }
    for path in paths {
      guard let handle = FileHandle(forReadingAtPath: path) else { continue }
      // A file that cannot be read to its end is one whose pages may have to be fetched later: nothing is lost.
      while let data = try? handle.read(upToCount: 1 << 20), !data.isEmpty {}
      try? handle.close()
    }
  }

  /// - Throws: `KernelDisagreement`.
  func check(_ residual: KernelIOResidual, phase: String) throws(KernelDisagreement) {
    guard isJudged, let sentence = residual.disagreement(inPhase: phase) else { return }
    throw KernelDisagreement(description: sentence)
  }
}

extension MeterReading {
  /// The kernel's bytes since an earlier reading, and how far ours are from them; nil where it offers none.
  func kernelResidual(since earlier: MeterReading) -> (counts: KernelIOCounters, residual: KernelIOResidual)?
  {
    guard let now = kernel, let before = earlier.kernel else { return nil }
    let counts = now.subtracting(before)
    let unseen = unseenByKernel.subtracting(earlier.unseenByKernel)
    return (counts, counts.residual(against: self.counts.subtracting(earlier.counts), unseen: unseen))
  }
}
