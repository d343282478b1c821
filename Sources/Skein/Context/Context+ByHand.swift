// For callback frameworks, where no closure spans the work. The exception: prefer withContext.

extension Context {
    /// Opens a context that you end yourself, with ``finish()`` or ``finish(throwing:)``. It becomes current only inside
    /// ``run(_:)-(()(Failure)->Result)``.
    ///
    /// ```swift
    /// let context = Context.open("upload")
    /// context.run { Context.current?["chunk"] = 1 }     // in one callback
    /// context.run { Context.current?["chunk"] = 2 }     // in the next
    /// context.finish()
    /// ```
    /// A context that is released without having been finished becomes an event with `error: {type: "unfinished"}`, and is
    /// counted. Cost: as `withContext`, and one object, which is not pooled.
    public static func open(
        _ type: StaticString, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(type, id: id, sample: sample, pipeline: pipeline).owned
    }

    /// As ``open(_:id:sample:pipeline:)``, with a type that is computed.
    public static func open(
        dynamic type: String, id: String? = nil, sample: Sampling = .always, pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(dynamic: type, id: id, sample: sample, pipeline: pipeline).owned
    }

    /// As ``open(_:id:sample:pipeline:)``, continuing a tree of another process.
    public static func open(
        _ type: StaticString, continuing carrier: some PropagationCarrier, sample: Sampling = .always,
        pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(type, continuing: carrier, sample: sample, pipeline: pipeline).owned
    }

    /// As ``open(_:continuing:sample:pipeline:)``, with a type that is computed.
    public static func open(
        dynamic type: String, continuing carrier: some PropagationCarrier, sample: Sampling = .always,
        pipeline: EventPipeline? = nil
    ) -> Context {
        guard EventSystem.isActive else { return .disabled }
        return begin(dynamic: type, continuing: carrier, sample: sample, pipeline: pipeline).owned
    }

    /// Opens a child of this context, whatever the task is in.
    /// - Parameter type: with a dot at its head; this context's is put before it.
    package func openChild(dynamic type: String, sample: Sampling = .always) -> Context {
        let above = Unmanaged.passUnretained(self)
        guard state.pointee.isSampled, let core = state.pointee.core?.live else {
            return Opened.silenced(above).owned
        }
        let descriptor = core.withOwner { $0.descriptor($0.cleaned(state.name + type)) }
        return Opened.new(Self.child(of: above, core, ThreadState.current(core), descriptor, sample)).owned
    }

    /// Makes this context the current one for the length of a closure. May be called any number of times, also after the
    /// end (its ids still propagate).
    public func run<Result, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        guard core != nil else { return try body() }
        noteBinding()
        let outcome: Swift.Result<Result, Failure> = Self.local.withValue(self) {
            do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// As ``run(_:)-(()(Failure)->Result)``, for an asynchronous closure.
    public func run<Result, Failure: Error>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        guard core != nil else { return try await body() }
        noteBinding()
        let outcome: Swift.Result<Result, Failure> = await Self.local.withValue(
            self,
            operation: {
                do throws(Failure) { return .success(try await body()) } catch { return .failure(error) }
            }, isolation: isolation)
        return try outcome.get()
    }

    /// To be called before it is bound to a task.
    @inline(__always)
    func noteBinding() {
        #if Tracing
            TaskBridge.note(Unmanaged.passUnretained(self))
        #endif
    }

    /// Ends the context: its event is handed over. A second call does nothing and is counted.
    public func finish() {
        close()
    }

    /// Ends the context with an error in its event.
    public func finish(throwing error: any Error) {
        close(error: EndingError(error))
    }
}
