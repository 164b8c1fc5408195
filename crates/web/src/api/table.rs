//! The table of routes: the router, the description of the API and the list that a test compares
//! with `tests/routes.txt` are all made from it, so none of them can know another route.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, on};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::House;
use super::call::{Body, Call, Place};
use super::door::{Door, Who};
use super::shape::{Answer, Shape};
use crate::console::packed;
use crate::console::reply::Asked;
use crate::problem::Problem;
use crate::traffic::Access;

/// One route as it is declared.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    /// Names it for clients that are made from the description.
    pub(crate) id: &'static str,
    /// One sentence.
    pub(crate) summary: &'static str,
    pub(crate) query: Vec<Parameter>,
    pub(crate) body: Option<Shape>,
    pub(crate) status: StatusCode,
    /// Another status of the same answer.
    pub(crate) also: Option<StatusCode>,
    pub(crate) answer: Shape,
    /// For people: no part of the API, and what is refused is a page too.
    pub(crate) page: bool,
}

impl Route {
    /// Whether it belongs to the API, and so into its description.
    pub(crate) fn is_described(&self) -> bool {
        !self.page
    }
}

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) routes: Vec<Route>,
    pub(crate) router: Router<Arc<House>>,
}

macro_rules! methods {
    ($($name:ident = $method:ident;)*) => {$(
        pub(crate) fn $name<W, P, Q, B, A, F, Fut>(
            &mut self,
            path: &'static str,
            id: &'static str,
            summary: &'static str,
            handler: F,
        ) where
            W: Door + 'static,
            P: Place + 'static,
            Q: DeserializeOwned + IntoParams + Send + 'static,
            B: Body + 'static,
            A: Answer + 'static,
            F: Fn(Call<W, P, Q, B>) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = Result<A, Problem>> + Send + 'static,
        {
            let named = Named { path, id, summary, page: false };
            self.add(MethodFilter::$method, Method::$method, named, handler);
        }
    )*};
}

/// What a route is called.
struct Named {
    path: &'static str,
    id: &'static str,
    summary: &'static str,
    page: bool,
}

impl Table {
    methods! {
        get = GET;
        post = POST;
        put = PUT;
        patch = PATCH;
        delete = DELETE;
    }

    /// A page of the console.
    pub(crate) fn page<W, P, Q, B, A, F, Fut>(&mut self, path: &'static str, handler: F)
    where
        W: Door + 'static,
        P: Place + 'static,
        Q: DeserializeOwned + IntoParams + Send + 'static,
        B: Body + 'static,
        A: Answer + 'static,
        F: Fn(Call<W, P, Q, B>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Problem>> + Send + 'static,
    {
        let named = Named { path, id: "", summary: "", page: true };
        self.add(MethodFilter::GET, Method::GET, named, handler);
    }

    /// What a form of the console is sent to.
    pub(crate) fn form<W, P, Q, B, A, F, Fut>(&mut self, path: &'static str, handler: F)
    where
        W: Door + 'static,
        P: Place + 'static,
        Q: DeserializeOwned + IntoParams + Send + 'static,
        B: Body + 'static,
        A: Answer + 'static,
        F: Fn(Call<W, P, Q, B>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Problem>> + Send + 'static,
    {
        let named = Named { path, id: "", summary: "", page: true };
        self.add(MethodFilter::POST, Method::POST, named, handler);
    }

    fn add<W, P, Q, B, A, F, Fut>(&mut self, filter: MethodFilter, method: Method, named: Named, handler: F)
    where
        W: Door + 'static,
        P: Place + 'static,
        Q: DeserializeOwned + IntoParams + Send + 'static,
        B: Body + 'static,
        A: Answer + 'static,
        F: Fn(Call<W, P, Q, B>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<A, Problem>> + Send + 'static,
    {
        let Named { path, id, summary, page } = named;
        debug_assert_eq!(path.matches('{').count(), P::NAMED, "{path} and its type name different places");
        let number = self.routes.len();
        self.routes.push(Route {
            method: method.clone(),
            path,
            who: W::WHO,
            id,
            summary,
            query: Q::into_params(|| Some(ParameterIn::Query)),
            body: B::shape(),
            status: A::STATUS,
            also: A::ALSO,
            answer: A::shape(),
            page,
        });
        let answer = move |State(house): State<Arc<House>>, request: Request| {
            let (handler, method) = (handler.clone(), method.clone());
            async move {
                let traffic = house.traffic.clone();
                let underway = traffic.begin(number);
                let access = Access::of(&request);
                let asked = page.then(|| Asked::of(&house, &request));
                let gzip = page && packed::is_taken(request.headers());
                let answered = match Call::read(house.clone(), request).await {
                    Ok(call) => handler(call).await,
                    Err(problem) => Err(problem),
                };
                let response = match answered {
                    Ok(answer) => packed::packed(answer.into_response(), gzip),
                    Err(problem) => match asked {
                        Some(asked) => asked.refused(&house, problem),
                        None => problem.into_response(),
                    },
                };
                let micros = underway.end(response.status());
                access.say(&method, path, response.status(), micros);
                response
            }
        };
        let router = std::mem::take(&mut self.router);
        self.router = router.route(path, on(filter, answer));
    }
}
