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
                macro_rules! __export_plugin_of_environment_cabi {
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
                pub use __export_plugin_of_environment_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea([::core::mem::MaybeUninit<u8>; 8 * ::core::mem::size_of::<*const u8>()]);
                static mut _RET_AREA: _RetArea =
                    _RetArea([::core::mem::MaybeUninit::uninit(); 8 * ::core::mem::size_of::<*const u8>()]);
            }
            #[allow(dead_code, async_fn_in_trait, unused_imports, clippy::all)]
            pub mod environment_stage {
                #[used]
                #[doc(hidden)]
                static __FORCE_SECTION_REF: fn() = super::super::super::super::__link_custom_section_describing_imports;
                use super::super::super::super::_rt;
                #[derive(Clone)]
                pub struct Task {
                    pub id: _rt::String,
                    /// JSON, the environment's own.
                    pub data: _rt::String,
                    /// Not u64: JavaScript engines disagree about it (number or BigInt).
                    pub seed: u32,
                }
                impl ::core::fmt::Debug for Task {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Task")
                            .field("id", &self.id)
                            .field("data", &self.data)
                            .field("seed", &self.seed)
                            .finish()
                    }
                }
                #[derive(Clone)]
                pub struct Start {
                    pub prompt: _rt::String,
                    pub observation: _rt::String,
                }
                impl ::core::fmt::Debug for Start {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Start")
                            .field("prompt", &self.prompt)
                            .field("observation", &self.observation)
                            .finish()
                    }
                }
                #[derive(Clone)]
                pub struct StepResult {
                    pub observation: _rt::String,
                    pub reward: f32,
                    pub done: bool,
                    pub success: ::core::option::Option<bool>,
                }
                impl ::core::fmt::Debug for StepResult {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("StepResult")
                            .field("observation", &self.observation)
                            .field("reward", &self.reward)
                            .field("done", &self.done)
                            .field("success", &self.success)
                            .finish()
                    }
                }
                /// An action for an episode under way.
                #[derive(Clone)]
                pub struct Move {
                    pub episode: u32,
                    pub action: _rt::String,
                }
                impl ::core::fmt::Debug for Move {
                    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                        f.debug_struct("Move").field("episode", &self.episode).field("action", &self.action).finish()
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_tasks_cabi<T_: Guest>(arg0: i32, arg1: i32) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result0 = { T_::tasks(arg0 as u32, arg1 as u32) };
                        let ptr1 = (&raw mut _RET_AREA.0).cast::<u8>();
                        match result0 {
                            Ok(e) => {
                                *ptr1.add(0).cast::<u8>() = (0i32) as u8;
                                let vec5 = e;
                                let len5 = vec5.len();
                                let layout5 = _rt::alloc::Layout::from_size_align(
                                    vec5.len() * (5 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                )
                                .unwrap();
                                let (result5, _cleanup5) = wit_bindgen::rt::Cleanup::new(layout5);
                                if let Some(cleanup) = _cleanup5 {
                                    cleanup.forget();
                                }
                                for (i, e) in vec5.into_iter().enumerate() {
                                    let base = result5.add(i * (5 * ::core::mem::size_of::<*const u8>()));
                                    {
                                        let Task { id: id2, data: data2, seed: seed2 } = e;
                                        let vec3 = (id2.into_bytes()).into_boxed_slice();
                                        let ptr3 = vec3.as_ptr().cast::<u8>();
                                        let len3 = vec3.len();
                                        ::core::mem::forget(vec3);
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len3;
                                        *base.add(0).cast::<*mut u8>() = ptr3.cast_mut();
                                        let vec4 = (data2.into_bytes()).into_boxed_slice();
                                        let ptr4 = vec4.as_ptr().cast::<u8>();
                                        let len4 = vec4.len();
                                        ::core::mem::forget(vec4);
                                        *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len4;
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr4.cast_mut();
                                        *base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<i32>() =
                                            _rt::as_i32(seed2);
                                    }
                                }
                                *ptr1.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len5;
                                *ptr1.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = result5;
                            }
                            Err(e) => {
                                *ptr1.add(0).cast::<u8>() = (1i32) as u8;
                                let vec6 = (e.into_bytes()).into_boxed_slice();
                                let ptr6 = vec6.as_ptr().cast::<u8>();
                                let len6 = vec6.len();
                                ::core::mem::forget(vec6);
                                *ptr1.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len6;
                                *ptr1.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() = ptr6.cast_mut();
                            }
                        };
                        ptr1
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_tasks<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = i32::from(*arg0.add(0).cast::<u8>());
                        match l0 {
                            0 => {
                                let l1 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l2 = *arg0.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                let base7 = l1;
                                let len7 = l2;
                                for i in 0..len7 {
                                    let base = base7.add(i * (5 * ::core::mem::size_of::<*const u8>()));
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
                                    len7 * (5 * ::core::mem::size_of::<*const u8>()),
                                    ::core::mem::size_of::<*const u8>(),
                                );
                            }
                            _ => {
                                let l8 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                let l9 = *arg0.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                _rt::cabi_dealloc(l8, l9, 1);
                            }
                        }
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_reset_cabi<T_: Guest>(arg0: *mut u8, arg1: usize) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result9 = {
                            let base8 = arg0;
                            let len8 = arg1;
                            let mut result8 = _rt::Vec::with_capacity(len8);
                            for i in 0..len8 {
                                let base = base8.add(i * (6 * ::core::mem::size_of::<*const u8>()));
                                let e8 = {
                                    let l0 = *base.add(0).cast::<i32>();
                                    let l1 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                    let l2 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let len3 = l2;
                                    let bytes3 = _rt::Vec::from_raw_parts(l1.cast(), len3, len3);
                                    let l4 = *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                    let l5 = *base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let len6 = l5;
                                    let bytes6 = _rt::Vec::from_raw_parts(l4.cast(), len6, len6);
                                    let l7 = *base.add(5 * ::core::mem::size_of::<*const u8>()).cast::<i32>();
                                    (
                                        l0 as u32,
                                        Task {
                                            id: _rt::string_lift(bytes3),
                                            data: _rt::string_lift(bytes6),
                                            seed: l7 as u32,
                                        },
                                    )
                                };
                                result8.push(e8);
                            }
                            _rt::cabi_dealloc(
                                base8,
                                len8 * (6 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            );
                            T_::reset(result8)
                        };
                        let ptr10 = (&raw mut _RET_AREA.0).cast::<u8>();
                        let vec15 = result9;
                        let len15 = vec15.len();
                        let layout15 = _rt::alloc::Layout::from_size_align(
                            vec15.len() * (5 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                        let (result15, _cleanup15) = wit_bindgen::rt::Cleanup::new(layout15);
                        if let Some(cleanup) = _cleanup15 {
                            cleanup.forget();
                        }
                        for (i, e) in vec15.into_iter().enumerate() {
                            let base = result15.add(i * (5 * ::core::mem::size_of::<*const u8>()));
                            {
                                match e {
                                    Ok(e) => {
                                        *base.add(0).cast::<u8>() = (0i32) as u8;
                                        let Start { prompt: prompt11, observation: observation11 } = e;
                                        let vec12 = (prompt11.into_bytes()).into_boxed_slice();
                                        let ptr12 = vec12.as_ptr().cast::<u8>();
                                        let len12 = vec12.len();
                                        ::core::mem::forget(vec12);
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len12;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr12.cast_mut();
                                        let vec13 = (observation11.into_bytes()).into_boxed_slice();
                                        let ptr13 = vec13.as_ptr().cast::<u8>();
                                        let len13 = vec13.len();
                                        ::core::mem::forget(vec13);
                                        *base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len13;
                                        *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr13.cast_mut();
                                    }
                                    Err(e) => {
                                        *base.add(0).cast::<u8>() = (1i32) as u8;
                                        let vec14 = (e.into_bytes()).into_boxed_slice();
                                        let ptr14 = vec14.as_ptr().cast::<u8>();
                                        let len14 = vec14.len();
                                        ::core::mem::forget(vec14);
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len14;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr14.cast_mut();
                                    }
                                };
                            }
                        }
                        *ptr10.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len15;
                        *ptr10.add(0).cast::<*mut u8>() = result15;
                        ptr10
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_reset<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = *arg0.add(0).cast::<*mut u8>();
                        let l1 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                        let base9 = l0;
                        let len9 = l1;
                        for i in 0..len9 {
                            let base = base9.add(i * (5 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l2 = i32::from(*base.add(0).cast::<u8>());
                                match l2 {
                                    0 => {
                                        let l3 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l4 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l3, l4, 1);
                                        let l5 = *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l6 = *base.add(4 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l5, l6, 1);
                                    }
                                    _ => {
                                        let l7 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l8 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l7, l8, 1);
                                    }
                                }
                            }
                        }
                        _rt::cabi_dealloc(
                            base9,
                            len9 * (5 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_step_cabi<T_: Guest>(arg0: *mut u8, arg1: usize) -> *mut u8 {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        let result5 = {
                            let base4 = arg0;
                            let len4 = arg1;
                            let mut result4 = _rt::Vec::with_capacity(len4);
                            for i in 0..len4 {
                                let base = base4.add(i * (3 * ::core::mem::size_of::<*const u8>()));
                                let e4 = {
                                    let l0 = *base.add(0).cast::<i32>();
                                    let l1 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                    let l2 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                    let len3 = l2;
                                    let bytes3 = _rt::Vec::from_raw_parts(l1.cast(), len3, len3);
                                    Move { episode: l0 as u32, action: _rt::string_lift(bytes3) }
                                };
                                result4.push(e4);
                            }
                            _rt::cabi_dealloc(
                                base4,
                                len4 * (3 * ::core::mem::size_of::<*const u8>()),
                                ::core::mem::size_of::<*const u8>(),
                            );
                            T_::step(result4)
                        };
                        let ptr6 = (&raw mut _RET_AREA.0).cast::<u8>();
                        let vec10 = result5;
                        let len10 = vec10.len();
                        let layout10 = _rt::alloc::Layout::from_size_align(
                            vec10.len() * (8 + 3 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        )
                        .unwrap();
                        let (result10, _cleanup10) = wit_bindgen::rt::Cleanup::new(layout10);
                        if let Some(cleanup) = _cleanup10 {
                            cleanup.forget();
                        }
                        for (i, e) in vec10.into_iter().enumerate() {
                            let base = result10.add(i * (8 + 3 * ::core::mem::size_of::<*const u8>()));
                            {
                                match e {
                                    Ok(e) => {
                                        *base.add(0).cast::<u8>() = (0i32) as u8;
                                        let StepResult {
                                            observation: observation7,
                                            reward: reward7,
                                            done: done7,
                                            success: success7,
                                        } = e;
                                        let vec8 = (observation7.into_bytes()).into_boxed_slice();
                                        let ptr8 = vec8.as_ptr().cast::<u8>();
                                        let len8 = vec8.len();
                                        ::core::mem::forget(vec8);
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len8;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr8.cast_mut();
                                        *base.add(3 * ::core::mem::size_of::<*const u8>()).cast::<f32>() =
                                            _rt::as_f32(reward7);
                                        *base.add(4 + 3 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                            (match done7 {
                                                true => 1,
                                                false => 0,
                                            }) as u8;
                                        match success7 {
                                            Some(e) => {
                                                *base.add(5 + 3 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                                    (1i32) as u8;
                                                *base.add(6 + 3 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                                    (match e {
                                                        true => 1,
                                                        false => 0,
                                                    }) as u8;
                                            }
                                            None => {
                                                *base.add(5 + 3 * ::core::mem::size_of::<*const u8>()).cast::<u8>() =
                                                    (0i32) as u8;
                                            }
                                        };
                                    }
                                    Err(e) => {
                                        *base.add(0).cast::<u8>() = (1i32) as u8;
                                        let vec9 = (e.into_bytes()).into_boxed_slice();
                                        let ptr9 = vec9.as_ptr().cast::<u8>();
                                        let len9 = vec9.len();
                                        ::core::mem::forget(vec9);
                                        *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>() = len9;
                                        *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>() =
                                            ptr9.cast_mut();
                                    }
                                };
                            }
                        }
                        *ptr6.add(::core::mem::size_of::<*const u8>()).cast::<usize>() = len10;
                        *ptr6.add(0).cast::<*mut u8>() = result10;
                        ptr6
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case)]
                pub unsafe fn __post_return_step<T_: Guest>(arg0: *mut u8) {
                    unsafe {
                        let l0 = *arg0.add(0).cast::<*mut u8>();
                        let l1 = *arg0.add(::core::mem::size_of::<*const u8>()).cast::<usize>();
                        let base7 = l0;
                        let len7 = l1;
                        for i in 0..len7 {
                            let base = base7.add(i * (8 + 3 * ::core::mem::size_of::<*const u8>()));
                            {
                                let l2 = i32::from(*base.add(0).cast::<u8>());
                                match l2 {
                                    0 => {
                                        let l3 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l4 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l3, l4, 1);
                                    }
                                    _ => {
                                        let l5 = *base.add(::core::mem::size_of::<*const u8>()).cast::<*mut u8>();
                                        let l6 = *base.add(2 * ::core::mem::size_of::<*const u8>()).cast::<usize>();
                                        _rt::cabi_dealloc(l5, l6, 1);
                                    }
                                }
                            }
                        }
                        _rt::cabi_dealloc(
                            base7,
                            len7 * (8 + 3 * ::core::mem::size_of::<*const u8>()),
                            ::core::mem::size_of::<*const u8>(),
                        );
                    }
                }
                #[doc(hidden)]
                #[allow(non_snake_case, unused_unsafe)]
                pub unsafe fn _export_close_cabi<T_: Guest>(arg0: *mut u8, arg1: usize) {
                    unsafe {
                        #[cfg(target_arch = "wasm32")]
                        _rt::run_ctors_once();
                        {
                            let len0 = arg1;
                            T_::close(<_ as From<_rt::Vec<_>>>::from(_rt::Vec::from_raw_parts(arg0.cast(), len0, len0)))
                        };
                    }
                }
                pub trait Guest {
                    /// The environment's tasks, as many as asked for, the same for the same seed.
                    #[allow(async_fn_in_trait)]
                    fn tasks(count: u32, seed: u32) -> ::core::result::Result<_rt::Vec<Task>, _rt::String>;
                    /// Starts episodes under the handles that the host gives, several side by side in one instance.
                    #[allow(async_fn_in_trait)]
                    fn reset(episodes: _rt::Vec<(u32, Task)>) -> _rt::Vec<::core::result::Result<Start, _rt::String>>;
                    /// One step of each of several episodes.
                    #[allow(async_fn_in_trait)]
                    fn step(moves: _rt::Vec<Move>) -> _rt::Vec<::core::result::Result<StepResult, _rt::String>>;
                    /// These episodes are over: forget them.
                    #[allow(async_fn_in_trait)]
                    fn close(episodes: _rt::Vec<u32>) -> ();
                }
                #[doc(hidden)]
                #[macro_export]
                macro_rules! __export_sternlight_plugin_environment_stage_1_0_0_cabi {
                    ($ty:ident with_types_in $($path_to_types:tt)*) => {
                        const _ : () = { #[unsafe (export_name =
                        "sternlight:plugin/environment-stage@1.0.0#tasks")] unsafe extern
                        "C" fn export_tasks(arg0 : i32, arg1 : i32,) -> * mut u8 { unsafe
                        { $($path_to_types)*:: _export_tasks_cabi::<$ty > (arg0, arg1) }
                        } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/environment-stage@1.0.0#tasks")]
                        unsafe extern "C" fn _post_return_tasks(arg0 : * mut u8,) {
                        unsafe { $($path_to_types)*:: __post_return_tasks::<$ty > (arg0)
                        } } #[unsafe (export_name =
                        "sternlight:plugin/environment-stage@1.0.0#reset")] unsafe extern
                        "C" fn export_reset(arg0 : * mut u8, arg1 : usize,) -> * mut u8 {
                        unsafe { $($path_to_types)*:: _export_reset_cabi::<$ty > (arg0,
                        arg1) } } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/environment-stage@1.0.0#reset")]
                        unsafe extern "C" fn _post_return_reset(arg0 : * mut u8,) {
                        unsafe { $($path_to_types)*:: __post_return_reset::<$ty > (arg0)
                        } } #[unsafe (export_name =
                        "sternlight:plugin/environment-stage@1.0.0#step")] unsafe extern
                        "C" fn export_step(arg0 : * mut u8, arg1 : usize,) -> * mut u8 {
                        unsafe { $($path_to_types)*:: _export_step_cabi::<$ty > (arg0,
                        arg1) } } #[unsafe (export_name =
                        "cabi_post_sternlight:plugin/environment-stage@1.0.0#step")]
                        unsafe extern "C" fn _post_return_step(arg0 : * mut u8,) { unsafe
                        { $($path_to_types)*:: __post_return_step::<$ty > (arg0) } }
                        #[unsafe (export_name =
                        "sternlight:plugin/environment-stage@1.0.0#close")] unsafe extern
                        "C" fn export_close(arg0 : * mut u8, arg1 : usize,) { unsafe {
                        $($path_to_types)*:: _export_close_cabi::<$ty > (arg0, arg1) } }
                        };
                    };
                }
                #[doc(hidden)]
                pub use __export_sternlight_plugin_environment_stage_1_0_0_cabi;
                #[cfg_attr(target_pointer_width = "64", repr(align(8)))]
                #[cfg_attr(target_pointer_width = "32", repr(align(4)))]
                struct _RetArea([::core::mem::MaybeUninit<u8>; 3 * ::core::mem::size_of::<*const u8>()]);
                static mut _RET_AREA: _RetArea =
                    _RetArea([::core::mem::MaybeUninit::uninit(); 3 * ::core::mem::size_of::<*const u8>()]);
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
macro_rules! __export_environment_impl {
    ($ty:ident) => {
        self::export!($ty with_types_in self);
    };
    ($ty:ident with_types_in $($path_to_types_root:tt)*) => {
        $($path_to_types_root)*::
        exports::sternlight::plugin::plugin::__export_plugin_of_environment_cabi!($ty
        with_types_in $($path_to_types_root)*:: exports::sternlight::plugin::plugin);
        $($path_to_types_root)*::
        exports::sternlight::plugin::environment_stage::__export_sternlight_plugin_environment_stage_1_0_0_cabi!($ty
        with_types_in $($path_to_types_root)*::
        exports::sternlight::plugin::environment_stage); const _ : () = {
        #[cfg(target_arch = "wasm32")] #[unsafe (link_section =
        "component-type:wit-bindgen:0.61.1:sternlight:plugin@1.0.0:environment:imports and exports")]
        #[doc(hidden)] #[allow(clippy::octal_escapes)] pub static
        __WIT_BINDGEN_COMPONENT_TYPE : [u8; 978] = *
        b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xd0\x06\x01A\x02\x01\
A\x06\x01B\x06\x01m\x04\x05debug\x04info\x04warn\x05error\x04\0\x05level\x03\0\0\
\x01@\x02\x05level\x01\x07messages\x01\0\x04\0\x03log\x01\x02\x01@\x02\x04names\x05\
valueu\x01\0\x04\0\x06metric\x01\x03\x03\0\x1csternlight:plugin/host@1.0.0\x05\0\
\x01B\x13\x01r\x02\x04paths\x09data-types\x04\0\x06column\x03\0\0\x01m\x02\x0atr\
ajectory\x05group\x04\0\x05scope\x03\0\x02\x01m\x03\x04same\x06subset\x03new\x04\
\0\x04rows\x03\0\x04\x01m\x02\x05fresh\x06reused\x04\0\x05state\x03\0\x06\x01p\x01\
\x01ps\x01r\x06\x05scope\x03\x04rows\x05\x05state\x07\x05reads\x08\x04adds\x08\x05\
drops\x09\x04\0\x08contract\x03\0\x0a\x01r\x04\x04names\x07versions\x07summarys\x0d\
config-schemas\x04\0\x0bdescription\x03\0\x0c\x01@\0\0\x0d\x04\0\x08describe\x01\
\x0e\x01j\x01\x0b\x01s\x01@\x01\x06configs\0\x0f\x04\0\x09configure\x01\x10\x04\0\
\x1esternlight:plugin/plugin@1.0.0\x05\x01\x01B\x1b\x01r\x03\x02ids\x04datas\x04\
seedy\x04\0\x04task\x03\0\0\x01r\x02\x06prompts\x0bobservations\x04\0\x05start\x03\
\0\x02\x01k\x7f\x01r\x04\x0bobservations\x06rewardv\x04done\x7f\x07success\x04\x04\
\0\x0bstep-result\x03\0\x05\x01r\x02\x07episodey\x06actions\x04\0\x04move\x03\0\x07\
\x01p\x01\x01j\x01\x09\x01s\x01@\x02\x05county\x04seedy\0\x0a\x04\0\x05tasks\x01\
\x0b\x01o\x02y\x01\x01p\x0c\x01j\x01\x03\x01s\x01p\x0e\x01@\x01\x08episodes\x0d\0\
\x0f\x04\0\x05reset\x01\x10\x01p\x08\x01j\x01\x06\x01s\x01p\x12\x01@\x01\x05move\
s\x11\0\x13\x04\0\x04step\x01\x14\x01py\x01@\x01\x08episodes\x15\x01\0\x04\0\x05\
close\x01\x16\x04\0)sternlight:plugin/environment-stage@1.0.0\x05\x02\x04\0#ster\
nlight:plugin/environment@1.0.0\x04\0\x0b\x11\x01\0\x0benvironment\x03\0\0\0G\x09\
producers\x01\x0cprocessed-by\x02\x0dwit-component\x070.258.3\x10wit-bindgen-rus\
t\x060.61.1";
        };
    };
}
#[doc(inline)]
pub use __export_environment_impl as export;
#[cfg(target_arch = "wasm32")]
#[unsafe(link_section = "component-type:wit-bindgen:0.61.1:sternlight:plugin@1.0.0:environment-with-all-of-its-exports-removed:encoded world")]
#[doc(hidden)]
#[allow(clippy::octal_escapes)]
pub static __WIT_BINDGEN_COMPONENT_TYPE: [u8; 370] = *b"\
\0asm\x0d\0\x01\0\0\x19\x16wit-component-encoding\x04\0\x07\xd0\x01\x01A\x02\x01\
A\x02\x01B\x06\x01m\x04\x05debug\x04info\x04warn\x05error\x04\0\x05level\x03\0\0\
\x01@\x02\x05level\x01\x07messages\x01\0\x04\0\x03log\x01\x02\x01@\x02\x04names\x05\
valueu\x01\0\x04\0\x06metric\x01\x03\x03\0\x1csternlight:plugin/host@1.0.0\x05\0\
\x04\0Csternlight:plugin/environment-with-all-of-its-exports-removed@1.0.0\x04\0\
\x0b1\x01\0+environment-with-all-of-its-exports-removed\x03\0\0\0G\x09producers\x01\
\x0cprocessed-by\x02\x0dwit-component\x070.258.3\x10wit-bindgen-rust\x060.61.1";
#[inline(never)]
#[doc(hidden)]
pub fn __link_custom_section_describing_imports() {
    wit_bindgen::rt::maybe_link_cabi_realloc();
}
