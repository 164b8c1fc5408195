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
            self.add(MethodFilter::$method, Method::$method, path, id, summary, handler);
        }
    )*};
}

impl Table {
    methods! {
        get = GET;
        post = POST;
        put = PUT;
        patch = PATCH;
        delete = DELETE;
    }

    fn add<W, P, Q, B, A, F, Fut>(
        &mut self,
        filter: MethodFilter,
        method: Method,
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
        });
        let answer = move |State(house): State<Arc<House>>, request: Request| {
            let (handler, method) = (handler.clone(), method.clone());
            async move {
                let traffic = house.traffic.clone();
                let underway = traffic.begin(number);
                let access = Access::of(&request);
                let answered = match Call::read(house, request).await {
                    Ok(call) => handler(call).await,
                    Err(problem) => Err(problem),
                };
                let response = match answered {
                    Ok(answer) => answer.into_response(),
                    Err(problem) => problem.into_response(),
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
