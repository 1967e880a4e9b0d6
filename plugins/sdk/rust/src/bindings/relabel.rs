#[allow(dead_code, clippy::all)]
pub mod sternlight {
    pub mod plugin {
        /// What the host gives without being asked. All else is WASI, and granted in the pipeline.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod host {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            #[repr(u8)]
            #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
            pub enum Level {
                Debug,
                Info,
                Warn,
                Error,
            }
            impl ::core::fmt::Debug for Level {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    match self {
                        Level::Debug => f.debug_tuple("Level::Debug").finish(),
                        Level::Info => f.debug_tuple("Level::Info").finish(),
                        Level::Warn => f.debug_tuple("Level::Warn").finish(),
                        Level::Error => f.debug_tuple("Level::Error").finish(),
                    }
                }
            }
            impl Level {
                #[doc(hidden)]
                pub unsafe fn _lift(val: u8) -> Level {
                    if !cfg!(debug_assertions) {
                        return unsafe { ::core::mem::transmute(val) };
                    }
                    match val {
                        0 => Level::Debug,
                        1 => Level::Info,
                        2 => Level::Warn,
                        3 => Level::Error,
                        _ => panic!("invalid enum discriminant"),
                    }
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// A line among the run's events, under the stage's name; `debug` is for the program's own log only.
            #[allow(async_fn_in_trait)]
            pub fn log(level: Level, message: &str) -> () {
                unsafe {
                    let vec0 = message;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "sternlight:plugin/host@1.0.0")]
                    unsafe extern "C" {
                        #[link_name = "log"]
                        fn wit_import1(_: i32, _: *mut u8, _: usize);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: i32, _: *mut u8, _: usize) {
                        unreachable!()
                    }
                    wit_import1(level.clone() as i32, ptr0.cast_mut(), len0);
                }
            }
            #[allow(unused_unsafe, clippy::all)]
            /// A figure of this stage: the run shows its mean by name.
            #[allow(async_fn_in_trait)]
            pub fn metric(name: &str, value: f64) -> () {
                unsafe {
                    let vec0 = name;
                    let ptr0 = vec0.as_ptr().cast::<u8>();
                    let len0 = vec0.len();
                    #[cfg(target_arch = "wasm32")]
                    #[link(wasm_import_module = "sternlight:plugin/host@1.0.0")]
                    unsafe extern "C" {
                        #[link_name = "metric"]
                        fn wit_import1(_: *mut u8, _: usize, _: f64);
                    }
                    #[cfg(not(target_arch = "wasm32"))]
                    unsafe extern "C" fn wit_import1(_: *mut u8, _: usize, _: f64) {
                        unreachable!()
                    }
                    wit_import1(ptr0.cast_mut(), len0, _rt::as_f64(&value));
                }
            }
        }
        /// The rows of a dataset as records, for the typed worlds.
        #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
        pub mod trajectories {
            #[used]
            #[doc(hidden)]
            static __FORCE_SECTION_REF: fn() = super::super::super::__link_custom_section_describing_imports;
            use super::super::super::_rt;
            /// One decision. A column that the contract does not read was not sent: it is none, or "" where it cannot be none.
            /// (Each string or list that is sent costs a call into the guest's allocator; none costs nothing.)
            #[derive(Clone)]
            pub struct Turn {
                pub observation: _rt::String,
                pub action: _rt::String,
                pub tool_name: ::core::option::Option<_rt::String>,
                pub tool_arguments: ::core::option::Option<_rt::String>,
                pub reward: ::core::option::Option<f32>,
                pub verdict: ::core::option::Option<_rt::String>,
                pub diagnosis: ::core::option::Option<_rt::String>,
                pub action_tokens: ::core::option::Option<_rt::Vec<i32>>,
                pub action_logprobs: ::core::option::Option<_rt::Vec<f32>>,
                /// The further columns of `turns` that the contract reads, as a JSON object.
                pub extra: ::core::option::Option<_rt::String>,
            }
            impl ::core::fmt::Debug for Turn {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct("Turn")
                        .field("observation", &self.observation)
                        .field("action", &self.action)
                        .field("tool-name", &self.tool_name)
                        .field("tool-arguments", &self.tool_arguments)
                        .field("reward", &self.reward)
                        .field("verdict", &self.verdict)
                        .field("diagnosis", &self.diagnosis)
                        .field("action-tokens", &self.action_tokens)
                        .field("action-logprobs", &self.action_logprobs)
                        .field("extra", &self.extra)
                        .finish()
                }
            }
            /// One episode.
            #[derive(Clone)]
            pub struct Trajectory {
                pub id: _rt::String,
                pub group: _rt::String,
                pub task: ::core::option::Option<_rt::String>,
                pub prompt: ::core::option::Option<_rt::String>,
                pub turns: _rt::Vec<Turn>,
                pub final_observation: ::core::option::Option<_rt::String>,
                pub reward: ::core::option::Option<f32>,
                pub success: ::core::option::Option<bool>,
                /// In decimal: JavaScript has no 64-bit integers.
                pub seed: ::core::option::Option<_rt::String>,
                /// "done", "truncated" or "failed".
                pub status: ::core::option::Option<_rt::String>,
                /// The further columns that the contract reads, as a JSON object.
                pub extra: ::core::option::Option<_rt::String>,
            }
            impl ::core::fmt::Debug for Trajectory {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.debug_struct("Trajectory")
                        .field("id", &self.id)
                        .field("group", &self.group)
                        .field("task", &self.task)
                        .field("prompt", &self.prompt)
                        .field("turns", &self.turns)
                        .field("final-observation", &self.final_observation)
                        .field("reward", &self.reward)
                        .field("success", &self.success)
                        .field("seed", &self.seed)
                        .field("status", &self.status)
                        .field("extra", &self.extra)
                        .finish()
                }
            }
        }
    }
}
#[allow(dead_code, clippy::all)]
pub mod exports {
    pub mod sternlight {
        pub mod plugin {
            /// How this package grows. Records and enums of the component model are closed: a field added to one breaks every
            /// plugin built before it. So what may grow is not a field: columns beyond the fixed ones travel in `extra` (JSON) or
            /// through the `batch` world, the contract names columns by text, and new abilities are new interfaces, in 1.1.0, which
            /// hosts look for and old plugins lack.
            /// Words that cannot be names: `with`, `type`, `list`, `result`, ... (WIT, escaped by %), `return`, `from` (guests).
            /// A function and a type of one interface share a name space; so do a world and an interface of the package.
            /// What every plugin exports.
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod plugin {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                /// A column by its path, `reward` or `turns.diagnosis`, and its Arrow type as text (`utf8`, `float32`,
                /// `list<int32>`); "" where a reader takes any type.
                #[derive(Clone)]
                pub struct Column {
                    pub path: _rt::String,
                    pub data_type: _rt::String,
                }
                impl ::core::fmt::Debug for Column {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Column").field("path", &self.path).field("data-type", &self.data_type).finish()
                    }
                }
                /// What a batch may be cut along: rows on their own, or whole groups only.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum Scope {
                    Trajectory,
                    Group,
                }
                impl ::core::fmt::Debug for Scope {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match self {
                            Scope::Trajectory => f.debug_tuple("Scope::Trajectory").finish(),
                            Scope::Group => f.debug_tuple("Scope::Group").finish(),
                        }
                    }
                }
                impl Scope {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> Scope {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => Scope::Trajectory,
                            1 => Scope::Group,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// What becomes of the rows: the same ones, some of them, or other ones.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum Rows {
                    Same,
                    Subset,
                    New,
                }
                impl ::core::fmt::Debug for Rows {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match self {
                            Rows::Same => f.debug_tuple("Rows::Same").finish(),
                            Rows::Subset => f.debug_tuple("Rows::Subset").finish(),
                            Rows::New => f.debug_tuple("Rows::New").finish(),
                        }
                    }
                }
                impl Rows {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> Rows {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => Rows::Same,
                            1 => Rows::Subset,
                            2 => Rows::New,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// Whether an instance may be kept from shard to shard. `fresh` (one instance a shard) keeps results independent of
                /// threads; `reused` marks the stage's output as not reproducible.
                #[repr(u8)]
                #[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
                pub enum State {
                    Fresh,
                    Reused,
                }
                impl ::core::fmt::Debug for State {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        match self {
                            State::Fresh => f.debug_tuple("State::Fresh").finish(),
                            State::Reused => f.debug_tuple("State::Reused").finish(),
                        }
                    }
                }
                impl State {
                    #[doc(hidden)]
                    pub unsafe fn _lift(val: u8) -> State {
                        if !cfg!(debug_assertions) {
                            return unsafe { ::core::mem::transmute(val) };
                        }
                        match val {
                            0 => State::Fresh,
                            1 => State::Reused,
                            _ => panic!("invalid enum discriminant"),
                        }
                    }
                }
                /// What the plugin reads, adds and drops under one configuration. Nothing else is sent to it, nothing else is taken.
                #[derive(Clone)]
                pub struct Contract {
                    pub scope: Scope,
                    pub rows: Rows,
                    pub state: State,
                    pub reads: _rt::Vec<Column>,
                    pub adds: _rt::Vec<Column>,
                    pub drops: _rt::Vec<_rt::String>,
                }
                impl ::core::fmt::Debug for Contract {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Contract")
                            .field("scope", &self.scope)
                            .field("rows", &self.rows)
                            .field("state", &self.state)
                            .field("reads", &self.reads)
                            .field("adds", &self.adds)
                            .field("drops", &self.drops)
                            .finish()
                    }
                }
                /// What the plugin is, whatever its configuration.
                #[derive(Clone)]
                pub struct Description {
                    pub name: _rt::String,
                    pub version: _rt::String,
                    pub summary: _rt::String,
                    /// JSON Schema of the stage's `with:`.
                    pub config_schema: _rt::String,
                }
                impl ::core::fmt::Debug for Description {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Description")
                            .field("name", &self.name)
                            .field("version", &self.version)
                            .field("summary", &self.summary)
                            .field("config-schema", &self.config_schema)
                            .finish()
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_describe_cabi<T_: Guest>() -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result0 = { T_::describe() };
                        let ptr1 = (&raw mut _RET_AREA.0).cast::<u8>();
                        let Description {
                            name: name2,
                            version: version2,
                            summary: summary2,
                            config_schema: config_schema2,
                        } = result0;
                        let vec3 = (name2.into_bytes()).into_boxed_slice();
                        let ptr3 = vec3.as_ptr().cast::<u8>();
                        let len3 = vec3.len();
                        ::core::mem::forget(vec3);
                        *ptr1.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len3;
                        *ptr1.add(0).cast::<*mut u8>() = ptr3.cast_mut();
                        let vec4 = (version2.into_bytes()).into_boxed_slice();
                        let ptr4 = vec4.as_ptr().cast::<u8>();
                        let len4 = vec4.len();
                        ::core::mem::forget(vec4);
                        *ptr1.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len4;
                        *ptr1.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = ptr4.cast_mut();
                        let vec5 = (summary2.into_bytes()).into_boxed_slice();
                        let ptr5 = vec5.as_ptr().cast::<u8>();
                        let len5 = vec5.len();
                        ::core::mem::forget(vec5);
                        *ptr1.add(5 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len5;
                        *ptr1.add(4 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = ptr5.cast_mut();
                        let vec6 = (config_schema2.into_bytes()).into_boxed_slice();
                        let ptr6 = vec6.as_ptr().cast::<u8>();
                        let len6 = vec6.len();
                        ::core::mem::forget(vec6);
                        *ptr1.add(7 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len6;
                        *ptr1.add(6 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = ptr6.cast_mut();
                        ptr1
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_describe<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = *arg0.add(0).cast::<*mut u8>();
                        let l1 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                        _rt::cabi_dealloc(l0, l1, 1);
                        let l2 = *arg0.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                        let l3 = *arg0.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                        _rt::cabi_dealloc(l2, l3, 1);
                        let l4 = *arg0.add(4 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                        let l5 = *arg0.add(5 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                        _rt::cabi_dealloc(l4, l5, 1);
                        let l6 = *arg0.add(6 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                        let l7 = *arg0.add(7 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                        _rt::cabi_dealloc(l6, l7, 1);
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_configure_cabi<T_: Guest>(arg0: *mut u8, arg1: usize) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result1 = {
                            let len0 = arg1;
                            let bytes0 = _rt::Vec::from_raw_parts(arg0.cast(), len0, len0);
                            T_::configure(_rt::string_lift(bytes0))
                        };
                        let ptr2 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result1 {
                            Ok(e) => {
                                *ptr2.add(0).cast::<u8>() = (0i32) as u8;
                                let Contract {
                                    scope: scope3,
                                    rows: rows3,
                                    state: state3,
                                    reads: reads3,
                                    adds: adds3,
                                    drops: drops3,
                                } = e;
                                *ptr2.add(::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                    (scope3.clone() as i32) as u8;
                                *ptr2.add(1 + 1 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                    (rows3.clone() as i32) as u8;
                                *ptr2.add(2 + 1 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                    (state3.clone() as i32) as u8;
                                let vec7 = reads3;
                                let len7 = vec7.len();
                                let layout7 = _rt::alloc::Layout::from_size_align(
                                    vec7.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                )
                                .unwrap();
                                let (result7, _cleanup7) = wit_bindgen::rt::Cleanup::new(layout7);
                                if let Some(cleanup) = _cleanup7 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec7.into_iter().enumerate() {
                                    let base = result7.add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let Column { path: path4, data_type: data_type4 } = e;
                                        let vec5 = (path4.into_bytes()).into_boxed_slice();
                                        let ptr5 = vec5.as_ptr().cast::<u8>();
                                        let len5 = vec5.len();
                                        ::core::mem::forget(vec5);
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len5;
                                        *base.add(0).cast::<*mut u8>() = ptr5.cast_mut();
                                        let vec6 = (data_type4.into_bytes()).into_boxed_slice();
                                        let ptr6 = vec6.as_ptr().cast::<u8>();
                                        let len6 = vec6.len();
                                        ::core::mem::forget(vec6);
                                        *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len6;
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr6.cast_mut();
                                    }
                                }
                                *ptr2.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len7;
                                *ptr2.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = result7;
                                let vec11 = adds3;
                                let len11 = vec11.len();
                                let layout11 = _rt::alloc::Layout::from_size_align(
                                    vec11.len() * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                )
                                .unwrap();
                                let (result11, _cleanup11) = wit_bindgen::rt::Cleanup::new(layout11);
                                if let Some(cleanup) = _cleanup11 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec11.into_iter().enumerate() {
                                    let base = result11.add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let Column { path: path8, data_type: data_type8 } = e;
                                        let vec9 = (path8.into_bytes()).into_boxed_slice();
                                        let ptr9 = vec9.as_ptr().cast::<u8>();
                                        let len9 = vec9.len();
                                        ::core::mem::forget(vec9);
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len9;
                                        *base.add(0).cast::<*mut u8>() = ptr9.cast_mut();
                                        let vec10 = (data_type8.into_bytes()).into_boxed_slice();
                                        let ptr10 = vec10.as_ptr().cast::<u8>();
                                        let len10 = vec10.len();
                                        ::core::mem::forget(vec10);
                                        *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len10;
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr10.cast_mut();
                                    }
                                }
                                *ptr2.add(5 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len11;
                                *ptr2.add(4 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = result11;
                                let vec13 = drops3;
                                let len13 = vec13.len();
                                let layout13 = _rt::alloc::Layout::from_size_align(
                                    vec13.len() * (2 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                )
                                .unwrap();
                                let (result13, _cleanup13) = wit_bindgen::rt::Cleanup::new(layout13);
                                if let Some(cleanup) = _cleanup13 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec13.into_iter().enumerate() {
                                    let base = result13.add(i * (2 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let vec12 = (e.into_bytes()).into_boxed_slice();
                                        let ptr12 = vec12.as_ptr().cast::<u8>();
                                        let len12 = vec12.len();
                                        ::core::mem::forget(vec12);
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len12;
                                        *base.add(0).cast::<*mut u8>() = ptr12.cast_mut();
                                    }
                                }
                                *ptr2.add(7 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len13;
                                *ptr2.add(6 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = result13;
                            }
                            Err(e) => {
                                *ptr2.add(0).cast::<u8>() = (1i32) as u8;
                                let vec14 = (e.into_bytes()).into_boxed_slice();
                                let ptr14 = vec14.as_ptr().cast::<u8>();
                                let len14 = vec14.len();
                                ::core::mem::forget(vec14);
                                *ptr2.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len14;
                                *ptr2.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = ptr14.cast_mut();
                            }
                        };
                        ptr2
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_configure<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {
                                let l1 = *arg0.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l2 = *arg0.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                let base7 = l1;
                                let len7 = l2;
                                for i in 0..len7 {
                                    let base = base7.add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let l3 = *base.add(0).cast::<*mut u8>();
                                        let l4 = *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l3, l4, 1);
                                        let l5 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l6 = *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l5, l6, 1);
                                    }
                                }
                                _rt::cabi_dealloc(
                                    base7,
                                    len7 * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                                let l8 = *arg0.add(4 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l9 = *arg0.add(5 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                let base14 = l8;
                                let len14 = l9;
                                for i in 0..len14 {
                                    let base = base14.add(i * (4 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let l10 = *base.add(0).cast::<*mut u8>();
                                        let l11 = *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l10, l11, 1);
                                        let l12 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l13 = *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l12, l13, 1);
                                    }
                                }
                                _rt::cabi_dealloc(
                                    base14,
                                    len14 * (4 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                                let l15 = *arg0.add(6 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l16 = *arg0.add(7 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                let base19 = l15;
                                let len19 = l16;
                                for i in 0..len19 {
                                    let base = base19.add(i * (2 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let l17 = *base.add(0).cast::<*mut u8>();
                                        let l18 = *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l17, l18, 1);
                                    }
                                }
                                _rt::cabi_dealloc(
                                    base19,
                                    len19 * (2 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                            }
                            _ => {
                                let l20 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l21 = *arg0.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                _rt::cabi_dealloc(l20, l21, 1);
                            }
                        }
                    }
                }
                pub trait Guest {
                    /// Called on an instance that may be thrown away. Depends on nothing.
                    #[allow(async_fn_in_trait)]
                    fn describe() -> Description;
                    /// Called once an instance, before the first batch. `config` is the stage's `with:`, a JSON object that has passed
                    /// `config-schema`; an error is shown at its line by `check`.
                    #[allow(async_fn_in_trait)]
                    fn configure(config: _rt::String) -> ::core::result::Result<Contract, _rt::String>;
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_plugin_of_relabel_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "sternlight:plugin/plugin@1.0.0#describe")] unsafe extern "C" fn
                        export_describe() -> * mut u8 { unsafe { $($path_to_types)*::
                        _export_describe_cabi::<$ty > () } } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/plugin@1.0.0#describe")] unsafe
                        extern "C" fn _post_return_describe(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_describe::<$ty > (arg0) } }
                        #[unsafe (export_name =
                        "sternlight:plugin/plugin@1.0.0#configure")] unsafe extern "C" fn
                        export_configure(arg0 : * mut u8, arg1 : usize,) -> * mut u8 {
                        unsafe { $($path_to_types)*:: _export_configure_cabi::<$ty >
                        (arg0, arg1) } } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/plugin@1.0.0#configure")] unsafe
                        extern "C" fn _post_return_configure(arg0 : * mut u8,) { unsafe {
                        $($path_to_types)*:: __post_return_configure::<$ty > (arg0) } }
                        };
                    };
                }
                #[doc(hidden)]
                pub use __export_plugin_of_relabel_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea([::core::mem::MaybeUninit<u8>; 8 * ::core::mem::size_of::<*const u8>()]);
                static mut _RET_AREA: _RetArea =
                    _RetArea([::core::mem::MaybeUninit::uninit(); 8 * ::core::mem::size_of::<*const u8>()]);
            }
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod relabel_stage {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                pub type Trajectory = super::super::super::super::sternlight::plugin::trajectories::Trajectory;
                /// What is new about one turn: its reward under the other goal, of which turns have none that is not given, and its
                /// weight; none leaves it. Observations and actions are what happened: they never change.
                #[repr(C)]
                #[derive(Clone, Copy)]
                pub struct TurnEdit {
                    pub turn: u32,
                    pub reward: ::core::option::Option<f32>,
                    pub weight: ::core::option::Option<f32>,
                }
                impl ::core::fmt::Debug for TurnEdit {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("TurnEdit")
                            .field("turn", &self.turn)
                            .field("reward", &self.reward)
                            .field("weight", &self.weight)
                            .finish()
                    }
                }
                /// A copy of the trajectory under another goal; none leaves the field as it is, but for `task`, which gets a suffix.
                #[derive(Clone)]
                pub struct Relabelled {
                    pub task: ::core::option::Option<_rt::String>,
                    pub prompt: ::core::option::Option<_rt::String>,
                    pub reward: ::core::option::Option<f32>,
                    pub success: ::core::option::Option<bool>,
                    /// Keep only the first turns of the episode; none keeps all.
                    pub keep_turns: ::core::option::Option<u32>,
                    pub confidence: ::core::option::Option<f32>,
                    pub turns: _rt::Vec<TurnEdit>,
                }
                impl ::core::fmt::Debug for Relabelled {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Relabelled")
                            .field("task", &self.task)
                            .field("prompt", &self.prompt)
                            .field("reward", &self.reward)
                            .field("success", &self.success)
                            .field("keep-turns", &self.keep_turns)
                            .field("confidence", &self.confidence)
                            .field("turns", &self.turns)
                            .finish()
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_relabel_cabi<T_: Guest>(arg0: *mut u8, arg1: usize) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result74 = {
                            let base73 = arg0;
                            let len73 = arg1;
                            let mut result73 = _rt::Vec::with_capacity(len73);
                            for i in 0..len73 {
                                let base = base73.add(i * (8 + 25 * ::core::mem::size_of::<*const u8>()));
                                let e73 = {
                                    let l0 = *base.add(0).cast::<*mut u8>();
                                    let l1 = *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let len2 = l1;
                                    let bytes2 = _rt::Vec::from_raw_parts(l0.cast(), len2, len2);
                                    let l3 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                    let l4 = *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let len5 = l4;
                                    let bytes5 = _rt::Vec::from_raw_parts(l3.cast(), len5, len5);
                                    let l6 = i32::from(*base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l10 =
                                        i32::from(*base.add(7 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l14 = *base.add(10 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                    let l15 = *base.add(11 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let base52 = l14;
                                    let len52 = l15;
                                    let mut result52 = _rt::Vec::with_capacity(len52);
                                    for i in 0..len52 {
                                        let base = base52.add(i * (8 + 25 * ::core::mem::size_of::<*const u8>()));
                                        let e52 = {
                                            let l16 = *base.add(0).cast::<*mut u8>();
                                            let l17 = *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                                            let len18 = l17;
                                            let bytes18 = _rt::Vec::from_raw_parts(l16.cast(), len18, len18);
                                            let l19 =
                                                *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                            let l20 =
                                                *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                            let len21 = l20;
                                            let bytes21 = _rt::Vec::from_raw_parts(l19.cast(), len21, len21);
                                            let l22 = i32::from(
                                                *base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l26 = i32::from(
                                                *base.add(7 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l30 = i32::from(
                                                *base.add(10 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l32 = i32::from(
                                                *base.add(8 + 10 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l36 = i32::from(
                                                *base.add(8 + 13 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l40 = i32::from(
                                                *base.add(8 + 16 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l44 = i32::from(
                                                *base.add(8 + 19 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            let l48 = i32::from(
                                                *base.add(8 + 22 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                            );
                                            super::super::super::super::sternlight::plugin::trajectories::Turn {
                                                observation: _rt::string_lift(bytes18),
                                                action: _rt::string_lift(bytes21),
                                                tool_name: match l22 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l23 = *base
                                                                .add(5 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l24 = *base
                                                                .add(6 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len25 = l24;
                                                            let bytes25 =
                                                                _rt::Vec::from_raw_parts(l23.cast(), len25, len25);
                                                            _rt::string_lift(bytes25)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                tool_arguments: match l26 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l27 = *base
                                                                .add(8 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l28 = *base
                                                                .add(9 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len29 = l28;
                                                            let bytes29 =
                                                                _rt::Vec::from_raw_parts(l27.cast(), len29, len29);
                                                            _rt::string_lift(bytes29)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                reward: match l30 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l31 = *base
                                                                .add(4 + 10 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<f32>();
                                                            l31
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                verdict: match l32 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l33 = *base
                                                                .add(8 + 11 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l34 = *base
                                                                .add(8 + 12 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len35 = l34;
                                                            let bytes35 =
                                                                _rt::Vec::from_raw_parts(l33.cast(), len35, len35);
                                                            _rt::string_lift(bytes35)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                diagnosis: match l36 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l37 = *base
                                                                .add(8 + 14 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l38 = *base
                                                                .add(8 + 15 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len39 = l38;
                                                            let bytes39 =
                                                                _rt::Vec::from_raw_parts(l37.cast(), len39, len39);
                                                            _rt::string_lift(bytes39)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                action_tokens: match l40 {
                                                    0 => None,
                                                    1 => {
                                                        let e =
                                                            {
                                                                let l41 = *base
                                                                    .add(8 + 17 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<*mut u8>();
                                                                let l42 = *base
                                                                    .add(8 + 18 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len43 = l42;
                                                                <_ as From<_rt::Vec<_>>>::from(
                                                                    _rt::Vec::from_raw_parts(l41.cast(), len43, len43),
                                                                )
                                                            };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                action_logprobs: match l44 {
                                                    0 => None,
                                                    1 => {
                                                        let e =
                                                            {
                                                                let l45 = *base
                                                                    .add(8 + 20 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<*mut u8>();
                                                                let l46 = *base
                                                                    .add(8 + 21 * ::core::mem::size_of::<*const u8>())
                                                                    .cast::<usize>();
                                                                let len47 = l46;
                                                                <_ as From<_rt::Vec<_>>>::from(
                                                                    _rt::Vec::from_raw_parts(l45.cast(), len47, len47),
                                                                )
                                                            };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                                extra: match l48 {
                                                    0 => None,
                                                    1 => {
                                                        let e = {
                                                            let l49 = *base
                                                                .add(8 + 23 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<*mut u8>();
                                                            let l50 = *base
                                                                .add(8 + 24 * ::core::mem::size_of::<*const u8>())
                                                                .cast::<usize>();
                                                            let len51 = l50;
                                                            let bytes51 =
                                                                _rt::Vec::from_raw_parts(l49.cast(), len51, len51);
                                                            _rt::string_lift(bytes51)
                                                        };
                                                        Some(e)
                                                    }
                                                    _ => _rt::invalid_enum_discriminant(),
                                                },
                                            }
                                        };
                                        result52.push(e52);
                                    }
                                    _rt::cabi_dealloc(
                                        base52,
                                        len52 * (8 + 25 * ::core::mem::size_of::<*const u8>()),
                                        ::core::mem::size_of::<*const u8>(),
                                    );
                                    let l53 =
                                        i32::from(*base.add(12 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l57 =
                                        i32::from(*base.add(15 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l59 =
                                        i32::from(*base.add(8 + 15 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l61 =
                                        i32::from(*base.add(8 + 16 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l65 =
                                        i32::from(*base.add(8 + 19 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    let l69 =
                                        i32::from(*base.add(8 + 22 * ::core::mem::size_of::<*const u8>()).cast::<u8>());
                                    super::super::super::super::sternlight::plugin::trajectories::Trajectory {
                                        id: _rt::string_lift(bytes2),
                                        group: _rt::string_lift(bytes5),
                                        task: match l6 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l7 = *base
                                                        .add(5 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l8 = *base
                                                        .add(6 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len9 = l8;
                                                    let bytes9 = _rt::Vec::from_raw_parts(l7.cast(), len9, len9);
                                                    _rt::string_lift(bytes9)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        prompt: match l10 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l11 = *base
                                                        .add(8 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l12 = *base
                                                        .add(9 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len13 = l12;
                                                    let bytes13 = _rt::Vec::from_raw_parts(l11.cast(), len13, len13);
                                                    _rt::string_lift(bytes13)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        turns: result52,
                                        final_observation: match l53 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l54 = *base
                                                        .add(13 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l55 = *base
                                                        .add(14 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len56 = l55;
                                                    let bytes56 = _rt::Vec::from_raw_parts(l54.cast(), len56, len56);
                                                    _rt::string_lift(bytes56)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        reward: match l57 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l58 = *base
                                                        .add(4 + 15 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<f32>();
                                                    l58
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        success: match l59 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l60 = i32::from(
                                                        *base
                                                            .add(9 + 15 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>(),
                                                    );
                                                    _rt::bool_lift(l60 as u8)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        seed: match l61 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l62 = *base
                                                        .add(8 + 17 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l63 = *base
                                                        .add(8 + 18 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len64 = l63;
                                                    let bytes64 = _rt::Vec::from_raw_parts(l62.cast(), len64, len64);
                                                    _rt::string_lift(bytes64)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        status: match l65 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l66 = *base
                                                        .add(8 + 20 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l67 = *base
                                                        .add(8 + 21 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len68 = l67;
                                                    let bytes68 = _rt::Vec::from_raw_parts(l66.cast(), len68, len68);
                                                    _rt::string_lift(bytes68)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                        extra: match l69 {
                                            0 => None,
                                            1 => {
                                                let e = {
                                                    let l70 = *base
                                                        .add(8 + 23 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<*mut u8>();
                                                    let l71 = *base
                                                        .add(8 + 24 * ::core::mem::size_of::<*const u8>())
                                                        .cast::<usize>();
                                                    let len72 = l71;
                                                    let bytes72 = _rt::Vec::from_raw_parts(l70.cast(), len72, len72);
                                                    _rt::string_lift(bytes72)
                                                };
                                                Some(e)
                                            }
                                            _ => _rt::invalid_enum_discriminant(),
                                        },
                                    }
                                };
                                result73.push(e73);
                            }
                            _rt::cabi_dealloc(
                                base73,
                                len73 * (8 + 25 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            );
                            T_::relabel(result73)
                        };
                        let ptr75 = (&raw mut _RET_AREA.0).cast::<u8>();
                        let vec83 = result74;
                        let len83 = vec83.len();
                        let layout83 = _rt::alloc::Layout::from_size_align(
                            vec83.len() * (3 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                        let (result83, _cleanup83) = wit_bindgen::rt::Cleanup::new(layout83);
                        if let Some(cleanup) = _cleanup83 {
                            cleanup.forget();
                        }
                        for (i, e) in vec83.into_iter().enumerate() {
                            let base = result83.add(i * (3 * ::core::mem::size_of::<*const u8>()));
                            {
                                match e {
                                    Ok(e) => {
                                        *base.add(0).cast::<u8>() = (0i32) as u8;
                                        let vec81 = e;
                                        let len81 = vec81.len();
                                        let layout81 = _rt::alloc::Layout::from_size_align(
                                            vec81.len() * (24 + 9 * ::core::mem::size_of::<*const u8>()),
                                            ::core::mem::size_of::<*const u8>(),
                                        )
                                        .unwrap();
                                        let (result81, _cleanup81) = wit_bindgen::rt::Cleanup::new(layout81);
                                        if let Some(cleanup) = _cleanup81 {
                                            cleanup.forget();
                                        }
                                        for (i, e) in vec81.into_iter().enumerate() {
                                            let base = result81.add(i * (24 + 9 * ::core::mem::size_of::<*const u8>()));
                                            {
                                                let Relabelled {
                                                    task: task76,
                                                    prompt: prompt76,
                                                    reward: reward76,
                                                    success: success76,
                                                    keep_turns: keep_turns76,
                                                    confidence: confidence76,
                                                    turns: turns76,
                                                } = e;
                                                match task76 {
                                                    Some(e) => {
                                                        *base.add(0).cast::<u8>() = (1i32) as u8;
                                                        let vec77 = (e.into_bytes()).into_boxed_slice();
                                                        let ptr77 = vec77.as_ptr().cast::<u8>();
                                                        let len77 = vec77.len();
                                                        ::core::mem::forget(vec77);
                                                        *base
                                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>() = len77;
                                                        *base
                                                            .add(::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>() = ptr77.cast_mut();
                                                    }
                                                    None => {
                                                        *base.add(0).cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                match prompt76 {
                                                    Some(e) => {
                                                        *base
                                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (1i32) as u8;
                                                        let vec78 = (e.into_bytes()).into_boxed_slice();
                                                        let ptr78 = vec78.as_ptr().cast::<u8>();
                                                        let len78 = vec78.len();
                                                        ::core::mem::forget(vec78);
                                                        *base
                                                            .add(5 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>() = len78;
                                                        *base
                                                            .add(4 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>() = ptr78.cast_mut();
                                                    }
                                                    None => {
                                                        *base
                                                            .add(3 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                match reward76 {
                                                    Some(e) => {
                                                        *base
                                                            .add(6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (1i32) as u8;
                                                        *base
                                                            .add(4 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<f32>() = _rt::as_f32(e);
                                                    }
                                                    None => {
                                                        *base
                                                            .add(6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                match success76 {
                                                    Some(e) => {
                                                        *base
                                                            .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (1i32) as u8;
                                                        *base
                                                            .add(9 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (match e {
                                                            true => 1,
                                                            false => 0,
                                                        })
                                                            as u8;
                                                    }
                                                    None => {
                                                        *base
                                                            .add(8 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                match keep_turns76 {
                                                    Some(e) => {
                                                        *base
                                                            .add(12 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (1i32) as u8;
                                                        *base
                                                            .add(16 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<i32>() = _rt::as_i32(e);
                                                    }
                                                    None => {
                                                        *base
                                                            .add(12 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                match confidence76 {
                                                    Some(e) => {
                                                        *base
                                                            .add(20 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (1i32) as u8;
                                                        *base
                                                            .add(24 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<f32>() = _rt::as_f32(e);
                                                    }
                                                    None => {
                                                        *base
                                                            .add(20 + 6 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<u8>() = (0i32) as u8;
                                                    }
                                                };
                                                let vec80 = turns76;
                                                let len80 = vec80.len();
                                                let layout80 =
                                                    _rt::alloc::Layout::from_size_align(vec80.len() * 20, 4).unwrap();
                                                let (result80, _cleanup80) = wit_bindgen::rt::Cleanup::new(layout80);
                                                if let Some(cleanup) = _cleanup80 {
                                                    cleanup.forget();
                                                }
                                                for (i, e) in vec80.into_iter().enumerate() {
                                                    let base = result80.add(i * 20);
                                                    {
                                                        let TurnEdit {
                                                            turn: turn79,
                                                            reward: reward79,
                                                            weight: weight79,
                                                        } = e;
                                                        *base.add(0).cast::<i32>() = _rt::as_i32(turn79);
                                                        match reward79 {
                                                            Some(e) => {
                                                                *base.add(4).cast::<u8>() = (1i32) as u8;
                                                                *base.add(8).cast::<f32>() = _rt::as_f32(e);
                                                            }
                                                            None => {
                                                                *base.add(4).cast::<u8>() = (0i32) as u8;
                                                            }
                                                        };
                                                        match weight79 {
                                                            Some(e) => {
                                                                *base.add(12).cast::<u8>() = (1i32) as u8;
                                                                *base.add(16).cast::<f32>() = _rt::as_f32(e);
                                                            }
                                                            None => {
                                                                *base.add(12).cast::<u8>() = (0i32) as u8;
                                                            }
                                                        };
                                                    }
                                                }
                                                *base
                                                    .add(24 + 8 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>() = len80;
                                                *base
                                                    .add(24 + 7 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>() = result80;
                                            }
                                        }
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len81;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = result81;
                                    }
                                    Err(e) => {
                                        *base.add(0).cast::<u8>() = (1i32) as u8;
                                        let vec82 = (e.into_bytes()).into_boxed_slice();
                                        let ptr82 = vec82.as_ptr().cast::<u8>();
                                        let len82 = vec82.len();
                                        ::core::mem::forget(vec82);
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len82;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr82.cast_mut();
                                    }
                                };
                            }
                        }
                        *ptr75.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len83;
                        *ptr75.add(0).cast::<*mut u8>() = result83;
                        ptr75
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_relabel<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = *arg0.add(0).cast::<*mut u8>();
                        let l1 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                        let base17 = l0;
                        let len17 = l1;
                        for i in 0..len17 {
                            let base = base17.add(i * (3 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l2 = i32::from(*base.add(0).cast::<u8>());
                                match l2 {
                                    0 => {
                                        let l3 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l4 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        let base14 = l3;
                                        let len14 = l4;
                                        for i in 0..len14 {
                                            let base = base14.add(i * (24 + 9 * ::core::mem::size_of::<*const u8>()));
                                            {
                                                let l5 = i32::from(*base.add(0).cast::<u8>());
                                                match l5 {
                                                    0 => {}
                                                    _ => {
                                                        let l6 = *base
                                                            .add(::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>();
                                                        let l7 = *base
                                                            .add(2 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        _rt::cabi_dealloc(l6, l7, 1);
                                                    }
                                                }
                                                let l8 = i32::from(
                                                    *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<u8>(),
                                                );
                                                match l8 {
                                                    0 => {}
                                                    _ => {
                                                        let l9 = *base
                                                            .add(4 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<*mut u8>();
                                                        let l10 = *base
                                                            .add(5 * ::core::mem::size_of::<*const u8>())
                                                            .cast::<usize>();
                                                        _rt::cabi_dealloc(l9, l10, 1);
                                                    }
                                                }
                                                let l11 = *base
                                                    .add(24 + 7 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<*mut u8>();
                                                let l12 = *base
                                                    .add(24 + 8 * ::core::mem::size_of::<*const u8>())
                                                    .cast::<usize>();
                                                let base13 = l11;
                                                let len13 = l12;
                                                _rt::cabi_dealloc(base13, len13 * 20, 4);
                                            }
                                        }
                                        _rt::cabi_dealloc(
                                            base14,
                                            len14 * (24 + 9 * ::core::mem::size_of::<*const u8>()),
                                            ::core::mem::size_of::<*const u8>(),
                                        );
                                    }
                                    _ => {
                                        let l15 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l16 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l15, l16, 1);
                                    }
                                }
                            }
                        }
                        _rt::cabi_dealloc(
                            base17,
                            len17 * (3 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                    }
                }
                pub trait Guest {
                    /// The relabelled copies, perhaps none; whether the original stays is the stage's `keep`.
                    #[allow(async_fn_in_trait)]
                    fn relabel(
                        batch: _rt::Vec<Trajectory>,
                    ) -> _rt::Vec<::core::result::Result<_rt::Vec<Relabelled>, _rt::String>>;
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_sternlight_plugin_relabel_stage_1_0_0_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "sternlight:plugin/relabel-stage@1.0.0#relabel")] unsafe extern
                        "C" fn export_relabel(arg0 : * mut u8, arg1 : usize,) -> * mut u8
                        { unsafe { $($path_to_types)*:: _export_relabel_cabi::<$ty >
                        (arg0, arg1) } } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/relabel-stage@1.0.0#relabel")]
                        unsafe extern "C" fn _post_return_relabel(arg0 : * mut u8,) {
                        unsafe { $($path_to_types)*:: __post_return_relabel::<$ty >
                        (arg0) } } };
                    };
                }
                #[doc(hidden)]
                pub use __export_sternlight_plugin_relabel_stage_1_0_0_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea([::core::mem::MaybeUninit<u8>; 2 * ::core::mem::size_of::<*const u8>()]);
                static mut _RET_AREA: _RetArea =
                    _RetArea([::core::mem::MaybeUninit::uninit(); 2 * ::core::mem::size_of::<*const u8>()]);
            }
        }
    }
}
mod _rt {
    #![allow(dead_code, unused_imports, clippy::all)]
    pub fn as_f64<T: AsF64>(t: T) -> f64 {
        t.as_f64()
    }
    pub trait AsF64 {
        fn as_f64(self) -> f64;
    }
    impl<'a, T: Copy + AsF64> AsF64 for &'a T {
        fn as_f64(self) -> f64 {
            (*self).as_f64()
        }
    }
    impl AsF64 for f64 {
        #[inline]
        fn as_f64(self) -> f64 {
            self as f64
        }
    }
    pub use alloc_crate::string::String;
    pub use alloc_crate::vec::Vec;
    #[cfg(target_arch = "wasm32")]
    pub fn run_ctors_once() {
        wit_bindgen::rt::run_ctors_once();
    }
    pub unsafe fn cabi_dealloc(ptr: *mut u8, size: usize, align: usize) {
        if size == 0 {
            return;
        }
        unsafe {
            let layout = alloc::Layout::from_size_align_unchecked(size, align);
            alloc::dealloc(ptr, layout);
        }
    }
    pub unsafe fn string_lift(bytes: Vec<u8>) -> String {
        if cfg!(debug_assertions) {
            String::from_utf8(bytes).unwrap()
        } else {
            unsafe { String::from_utf8_unchecked(bytes) }
        }
    }
    pub use alloc_crate::alloc;
    pub unsafe fn invalid_enum_discriminant<T>() -> T {
        if cfg!(debug_assertions) {
            panic!("invalid enum discriminant")
        } else {
            unsafe { core::hint::unreachable_unchecked() }
        }
    }
    pub unsafe fn bool_lift(val: u8) -> bool {
        if cfg!(debug_assertions) {
            match val {
                0 => false,
                1 => true,
                _ => panic!("invalid bool discriminant"),
            }
        } else {
            val != 0
        }
    }
    pub fn as_f32<T: AsF32>(t: T) -> f32 {
        t.as_f32()
    }
    pub trait AsF32 {
        fn as_f32(self) -> f32;
    }
    impl<'a, T: Copy + AsF32> AsF32 for &'a T {
        fn as_f32(self) -> f32 {
            (*self).as_f32()
        }
    }
    impl AsF32 for f32 {
        #[inline]
        fn as_f32(self) -> f32 {
            self as f32
        }
    }
    pub fn as_i32<T: AsI32>(t: T) -> i32 {
        t.as_i32()
    }
    pub trait AsI32 {
        fn as_i32(self) -> i32;
    }
    impl<'a, T: Copy + AsI32> AsI32 for &'a T {
        fn as_i32(self) -> i32 {
            (*self).as_i32()
        }
    }
    impl AsI32 for i32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u32 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u16 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for i8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for u8 {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for char {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    impl AsI32 for usize {
        #[inline]
        fn as_i32(self) -> i32 {
            self as i32
        }
    }
    extern crate alloc as alloc_crate;
}
/// Generates `#[unsafe(no_mangle)]` functions to export the specified type as
/// the root implementation of all generated traits.
///
/// For more information see the documentation of `wit_bindgen::generate!`.
///
/// ```rust
/// # macro_rules! export{ ($($t:tt)*) => (); }
/// # trait Guest {}
/// struct MyType;
///
/// impl Guest for MyType {
///     // ...
/// }
///
/// export!(MyType);
/// ```
#[allow(unused_macros)]
#[doc(hidden)]
#[macro_export]
macro_rules! __export_relabel_impl {
    ($ty:ident) => {
        self::export!($ty with_types_in self);
    };
    ($ty:ident with_types_in $($path_to_types_root:tt)*) => {
        $($path_to_types_root)*::
        exports::sternlight::plugin::plugin::__export_plugin_of_relabel_cabi!($ty
        with_types_in $($path_to_types_root)*:: exports::sternlight::plugin::plugin);
        $($path_to_types_root)*::
        exports::sternlight::plugin::relabel_stage::__export_sternlight_plugin_relabel_stage_1_0_0_cabi!($ty
        with_types_in $($path_to_types_root)*::
        exports::sternlight::plugin::relabel_stage); const _ : () = { #[cfg(target_arch =
        "wasm32")] #[unsafe (link_section =
        "component-type:wit-bindgen:0.61.1:sternlight:plugin@1.0.0:relabel:imports and exports")]
        #[doc(hidden)] #[allow(clippy::octal_escapes)] pub static
        __WIT_BINDGEN_COMPONENT_TYPE : [u8; 1188] = *
        b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xa6\x08\x01A\x02\x01\
A\x09\x01B\x06\x01m\x04\x05debug\x04info\x04warn\x05error\x04\0\x05level\x03\0\0\
\x01@\x02\x05level\x01\x07messages\x01\0\x04\0\x03log\x01\x02\x01@\x02\x04names\x05\
valueu\x01\0\x04\0\x06metric\x01\x03\x03\0\x1csternlight:plugin/host@1.0.0\x05\0\
\x01B\x0c\x01ks\x01kv\x01pz\x01k\x02\x01pv\x01k\x04\x01r\x0a\x0bobservations\x06\
actions\x09tool-name\0\x0etool-arguments\0\x06reward\x01\x07verdict\0\x09diagnos\
is\0\x0daction-tokens\x03\x0faction-logprobs\x05\x05extra\0\x04\0\x04turn\x03\0\x06\
\x01p\x07\x01k\x7f\x01r\x0b\x02ids\x05groups\x04task\0\x06prompt\0\x05turns\x08\x11\
final-observation\0\x06reward\x01\x07success\x09\x04seed\0\x06status\0\x05extra\0\
\x04\0\x0atrajectory\x03\0\x0a\x03\0$sternlight:plugin/trajectories@1.0.0\x05\x01\
\x01B\x13\x01r\x02\x04paths\x09data-types\x04\0\x06column\x03\0\0\x01m\x02\x0atr\
ajectory\x05group\x04\0\x05scope\x03\0\x02\x01m\x03\x04same\x06subset\x03new\x04\
\0\x04rows\x03\0\x04\x01m\x02\x05fresh\x06reused\x04\0\x05state\x03\0\x06\x01p\x01\
\x01ps\x01r\x06\x05scope\x03\x04rows\x05\x05state\x07\x05reads\x08\x04adds\x08\x05\
drops\x09\x04\0\x08contract\x03\0\x0a\x01r\x04\x04names\x07versions\x07summarys\x0d\
config-schemas\x04\0\x0bdescription\x03\0\x0c\x01@\0\0\x0d\x04\0\x08describe\x01\
\x0e\x01j\x01\x0b\x01s\x01@\x01\x06configs\0\x0f\x04\0\x09configure\x01\x10\x04\0\
\x1esternlight:plugin/plugin@1.0.0\x05\x02\x02\x03\0\x01\x0atrajectory\x01B\x11\x02\
\x03\x02\x01\x03\x04\0\x0atrajectory\x03\0\0\x01kv\x01r\x03\x04turny\x06reward\x02\
\x06weight\x02\x04\0\x09turn-edit\x03\0\x03\x01ks\x01k\x7f\x01ky\x01p\x04\x01r\x07\
\x04task\x05\x06prompt\x05\x06reward\x02\x07success\x06\x0akeep-turns\x07\x0acon\
fidence\x02\x05turns\x08\x04\0\x0arelabelled\x03\0\x09\x01p\x01\x01p\x0a\x01j\x01\
\x0c\x01s\x01p\x0d\x01@\x01\x05batch\x0b\0\x0e\x04\0\x07relabel\x01\x0f\x04\0%st\
ernlight:plugin/relabel-stage@1.0.0\x05\x04\x04\0\x1fsternlight:plugin/relabel@1\
.0.0\x04\0\x0b\x0d\x01\0\x07relabel\x03\0\0\0G\x09producers\x01\x0cprocessed-by\x02\
\x0dwit-component\x070.258.3\x10wit-bindgen-rust\x060.61.1";
        };
    };
}
#[doc(inline)]
pub use __export_relabel_impl as export;
#[cfg(target_arch = "wasm32")]
#[unsafe(link_section = "component-type:wit-bindgen:0.61.1:sternlight:plugin@1.0.0:relabel-with-all-of-its-exports-removed:encoded world")]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 666] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xfc\x03\x01A\x02\x01\
A\x04\x01B\x06\x01m\x04\x05debug\x04info\x04warn\x05error\x04\0\x05level\x03\0\0\
\x01@\x02\x05level\x01\x07messages\x01\0\x04\0\x03log\x01\x02\x01@\x02\x04names\x05\
valueu\x01\0\x04\0\x06metric\x01\x03\x03\0\x1csternlight:plugin/host@1.0.0\x05\0\
\x01B\x0c\x01ks\x01kv\x01pz\x01k\x02\x01pv\x01k\x04\x01r\x0a\x0bobservations\x06\
actions\x09tool-name\0\x0etool-arguments\0\x06reward\x01\x07verdict\0\x09diagnos\
is\0\x0daction-tokens\x03\x0faction-logprobs\x05\x05extra\0\x04\0\x04turn\x03\0\x06\
\x01p\x07\x01k\x7f\x01r\x0b\x02ids\x05groups\x04task\0\x06prompt\0\x05turns\x08\x11\
final-observation\0\x06reward\x01\x07success\x09\x04seed\0\x06status\0\x05extra\0\
\x04\0\x0atrajectory\x03\0\x0a\x03\0$sternlight:plugin/trajectories@1.0.0\x05\x01\
\x04\0?sternlight:plugin/relabel-with-all-of-its-exports-removed@1.0.0\x04\0\x0b\
-\x01\0'relabel-with-all-of-its-exports-removed\x03\0\0\0G\x09producers\x01\x0cp\
rocessed-by\x02\x0dwit-component\x070.258.3\x10wit-bindgen-rust\x060.61.1";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
