// `betula worker`: one process of a sweep. Started by `betula run`, never by a person.

import ArgumentParser
import Experiment
import Results

struct WorkerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "worker", abstract: "Make runs that a sweep hands out over a pipe.", shouldDisplay: false)

  @Option(help: "The sweep's process; this one ends with it.")
  var parent: Int32

  func run() throws {
    do {
      try SweepWorker.serve(parent: parent)
    } catch is RunInterrupted {
      throw ExitStatus.interrupted
    } catch let error as RecordError {
      complain("\(error)")
      throw ExitCode(Int32(SweepWorker.storeRefusedStatus))
    } catch {
      complain("\(error)")
      throw ExitStatus.runFailed
    }
  }
}
