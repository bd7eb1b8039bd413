// Drawing by gnuplot, an external program. It gets a script and a directory, nothing else.

import Foundation

/// The gnuplot program, if there is one.
public struct Gnuplot: Sendable {
  /// The executable's path, nil when there is none.
  public var path: String?

  /// A gnuplot at `path`; nil for none.
  public init(path: String?) { self.path = path }

  /// The first `gnuplot` on the search path.
  public static var installed: Gnuplot {
    let search = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    for directory in search.split(separator: ":") {
      let candidate = directory + "/gnuplot"
      if FileManager.default.isExecutableFile(atPath: String(candidate)) {
        return Gnuplot(path: String(candidate))
      }
    }
    return Gnuplot(path: nil)
  }

  /// What to tell a user who has none.
  static func absentMessage(_ directory: String) -> String {
    "gnuplot is not installed, so no figure was drawn. Data and scripts are in \(directory). Install the package "
      + "gnuplot-nox (apt-get install gnuplot-nox; brew install gnuplot) and run `betula report` again, or "
      + "`gnuplot NAME.gnuplot` in that directory."
  }

  /// Runs one script in `directory`.
  ///
  /// - Returns: whether it drew, and what there is to say about it.
  func run(script: String, in directory: String) -> (draws: Bool, complaint: String?) {
    guard let path else { return (false, Self.absentMessage(directory)) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    // -d: a user's own settings must not change a figure.
    process.arguments = ["-d", script]
    process.currentDirectoryURL = URL(fileURLWithPath: directory)
    var environment = ProcessInfo.processInfo.environment
    environment["LC_ALL"] = "C.UTF-8"
    environment["GNUPLOT_LIB"] = nil
    process.environment = environment
    let output = Pipe()
    process.standardError = output
    process.standardOutput = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do {
      try process.run()
    } catch {
      return (false, "\(path) could not be started: \(error.localizedDescription)")
    }
    let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let text = said.trimmingCharacters(in: .whitespacesAndNewlines)
    if process.terminationStatus != 0 { return (false, "gnuplot \(script) failed: \(text)") }
    return (true, text.isEmpty ? nil : "gnuplot \(script) warned: \(text)")
  }
}
